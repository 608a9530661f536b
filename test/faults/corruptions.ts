import type { Books, PaymentFile } from './books.ts';
import type { Message } from './inbox.ts';

/** Books that somebody has tampered with; undefined where they hold nothing to tamper with. */
type Corruption = (books: Books) => Books | undefined;

/** Each of these has to be noticed when the books are compared. */
export const CORRUPTIONS: Readonly<Record<string, Corruption>> = {
  'the sandbox captured a minor unit more': ({ charges, ...rest }) => {
    const [charge, ...others] = foremost(charges, ({ amountCaptured }) => amountCaptured > 0n);
    return charge && { ...rest, charges: [{ ...charge, amountCaptured: charge.amountCaptured + 1n }, ...others] };
  },
  'the sandbox charged under a key that nobody used': ({ charges, ...rest }) => {
    const [charge] = foremost(charges, ({ amountCaptured }) => amountCaptured > 0n);
    return charge && { ...rest, charges: [...charges, { ...charge, id: 'ch_other', key: 'other' }] };
  },
  'the sandbox knows nothing of a refund': ({ movements, ...rest }) => {
    const [refund, ...others] = foremost(movements, ({ kind, status }) => kind === 'refund' && status === 'succeeded');
    return refund && { ...rest, movements: others };
  },
  'a charge is gone': ({ charges, ...rest }) => {
    const [charge, ...others] = foremost(charges, ({ amountCaptured }) => amountCaptured > 0n);
    return charge && { ...rest, charges: others };
  },
  'a payment captured a minor unit more': inFile(hasCaptured, ({ payment, ...rest }) => ({
    ...rest,
    payment: { ...payment, amountCaptured: payment.amountCaptured + 1n },
  })),
  'a payment that has succeeded is failed': inFile(hasCaptured, ({ payment, ...rest }) => ({
    ...rest,
    payment: { ...payment, status: 'FAILED' },
  })),
  'a payment was never settled': inFile(hasSettled, ({ payment, ...rest }) => ({
    ...rest,
    payment: { ...payment, settledAt: null },
  })),
  'the sandbox paid out at another time': ({ charges, ...rest }) => {
    const [charge, ...others] = foremost(
      charges,
      ({ settledAt, status, amountRefunded }) => settledAt !== null && status === 'approved' && amountRefunded === 0n,
    );
    return charge && { ...rest, charges: [{ ...charge, settledAt: new Date(0) }, ...others] };
  },
  'a refund is of a minor unit more': inFile(hasRefunded, ({ refunds: [refund, ...others], ...rest }) => ({
    ...rest,
    refunds: refund ? [{ ...refund, amount: refund.amount + 1n }, ...others] : [],
  })),
  'a refund was made under no key': (books) => {
    const [key, ...others] = foremost(books.keys, ({ operation }) => operation === 'refundPayment');
    return key && { ...books, keys: others };
  },
  'an event is missing': inFile(hasCaptured, ({ events: [created, , ...others], ...rest }) => ({
    ...rest,
    events: created ? [created, ...others] : [],
  })),
  'an event tells of another state': inFile(hasCaptured, ({ events: [created, next, ...others], ...rest }) => ({
    ...rest,
    events: created && next ? [created, { ...next, status: 'EXPIRED' }, ...others] : [],
  })),
  'no webhook of an event has arrived': ({ messages, ...rest }) => {
    const [first] = messages;
    return first && { ...rest, messages: messages.filter(({ eventId }) => eventId !== first.eventId) };
  },
  'a webhook of an event was never taken': ({ messages, ...rest }) => {
    const [first] = messages;
    const refused = messages.map((each) => (each.eventId === first?.eventId ? { ...each, isTaken: false } : each));
    return first && { ...rest, messages: refused };
  },
  'a webhook has another signature': inMessage((message) => ({ ...message, isSigned: false })),
  'a webhook has an id of its own each time': ({ messages, ...rest }) => {
    const [first] = messages;
    return first && { ...rest, messages: [...messages, { ...first, id: 'whd_other' }] };
  },
  'a webhook tells of an event that there is not': ({ messages, ...rest }) => {
    const [first] = messages;
    return first && { ...rest, messages: [...messages, { ...first, eventId: 'other' }] };
  },
  'a webhook tells of a minor unit more': inMessage(({ data, ...message }) => ({
    ...message,
    data: { ...data, amount: Number(data['amount']) + 1 },
  })),
  'a payment is gone': ({ payments, ...rest }) => {
    const [file, ...others] = foremost(payments, ({ payment }) => payment.status === 'CREATED');
    return file && { ...rest, payments: others };
  },
  'a key made two payments': ({ payments, ...rest }) => {
    const [one, other, ...others] = payments;
    if (one === undefined || other === undefined) return undefined;
    const twin = { ...other, payment: { ...other.payment, metadata: one.payment.metadata } };
    return { ...rest, payments: [one, twin, ...others] };
  },
};

function hasCaptured({ payment }: PaymentFile): boolean {
  return payment.status === 'SUCCEEDED' && payment.amountCaptured > 0n;
}

function hasSettled({ payment }: PaymentFile): boolean {
  return payment.settledAt !== null;
}

function hasRefunded({ payment }: PaymentFile): boolean {
  return payment.amountRefunded > 0n;
}

/** The rows with the first that fits at their head; none where none fits. */
function foremost<T>(rows: readonly T[], fits: (row: T) => boolean): readonly T[] {
  const first = rows.find(fits);
  return first === undefined ? [] : [first, ...rows.filter((row) => row !== first)];
}

function inFile(fits: (file: PaymentFile) => boolean, corrupt: (file: PaymentFile) => PaymentFile): Corruption {
  return ({ payments, ...rest }) => {
    const [file, ...others] = foremost(payments, fits);
    return file && { ...rest, payments: [corrupt(file), ...others] };
  };
}

function inMessage(corrupt: (message: Message) => Message): Corruption {
  return ({ messages: [message, ...others], ...rest }) =>
    message && { ...rest, messages: [corrupt(message), ...others] };
}
