/** What is read of a payment, the same of every server. */
export interface PaymentShape extends PartShape {
  readonly currency: string;
  readonly customer: { readonly id: string; readonly email: string; readonly firstName: string } | null;
  readonly attempts: readonly PartShape[];
  readonly refunds: readonly PartShape[];
}

/** Of an attempt or a refund, and of the payment itself. */
interface PartShape {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly createdAt: string;
}

const OUR_PAYMENT = `id status createdAt amount { amount currency } customer { id email firstName }
  attempts { id status createdAt amount { amount } } refunds { id status createdAt amount { amount } }`;

const PEER_PAYMENT = `rowId status createdAt amount currency
  customerByEnvironmentIdAndCustomerId { rowId email firstName }
  attemptsByEnvironmentIdAndPaymentIdAndCurrencyList(orderBy: [CREATED_AT_ASC]) { rowId status createdAt amount }
  refundsByEnvironmentIdAndPaymentIdAndCurrencyList(orderBy: [CREATED_AT_ASC]) { rowId status createdAt amount }`;

const requestOf = (query: string, variables: object): string =>
  JSON.stringify({ query: query.replaceAll(/\s+/g, ' '), variables });

/** A page of the newest payments, as the gateway is asked for it. */
export function ourPage(first: number): string {
  return requestOf(`query Page($first: Int!) { payments(first: $first) { edges { node { ${OUR_PAYMENT} } } } }`, {
    first,
  });
}

/** The page that comes after a payment, by that one's cursor. */
export function ourPageAfter(after: string, first: number): string {
  return requestOf(
    `query After($first: Int!, $after: String!) {
      payments(first: $first, after: $after) { edges { node { ${OUR_PAYMENT} } } } }`,
    { first, after },
  );
}

/** The cursors of the newest payments. */
export const OUR_CURSORS = requestOf('{ payments(first: 100) { edges { cursor } } }', {});

export function readCursors(answer: string): string[] {
  const { data } = JSON.parse(answer) as { data: { payments: { edges: { cursor: string }[] } } };
  return data.payments.edges.map(({ cursor }) => cursor);
}

export function ourPayment(id: string): string {
  return requestOf(`query One($id: ID!) { payment(id: $id) { ${OUR_PAYMENT} } }`, { id: `pay_${id}` });
}

export function peerPage(environmentId: string, first: number, offset = 0): string {
  return requestOf(
    `query Page($environmentId: UUID!, $first: Int!, $offset: Int!) {
      allPaymentsList(first: $first, offset: $offset, condition: { environmentId: $environmentId }, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { ${PEER_PAYMENT} } }`,
    { environmentId, first, offset },
  );
}

export function peerPayment(environmentId: string, id: string): string {
  return requestOf(
    `query One($environmentId: UUID!, $id: UUID!) { paymentByEnvironmentIdAndRowId(environmentId: $environmentId, rowId: $id) { ${PEER_PAYMENT} } }`,
    { environmentId, id },
  );
}

type OurPayment = Omit<PaymentShape, 'amount' | 'currency' | 'attempts' | 'refunds'> & {
  readonly amount: Pick<PaymentShape, 'amount' | 'currency'>;
  readonly attempts: readonly OurPart[];
  readonly refunds: readonly OurPart[];
};

type OurPart = Omit<PartShape, 'amount'> & { readonly amount: Pick<PartShape, 'amount'> };

type PeerPayment = PeerPart & {
  readonly currency: string;
  readonly customerByEnvironmentIdAndCustomerId: { readonly rowId: string; email: string; firstName: string } | null;
  readonly attemptsByEnvironmentIdAndPaymentIdAndCurrencyList: readonly PeerPart[];
  readonly refundsByEnvironmentIdAndPaymentIdAndCurrencyList: readonly PeerPart[];
};

type PeerPart = Pick<PartShape, 'status' | 'createdAt'> & { readonly rowId: string; readonly amount: string };

/** What the gateway, or who answers as it does, has said of payments. */
export function readOurs(answer: string): PaymentShape[] {
  const { data } = JSON.parse(answer) as {
    data?: { payments?: { edges: { node: OurPayment }[] }; payment?: OurPayment | null } | null;
  };
  const nodes = data?.payments?.edges.map(({ node }) => node) ?? (data?.payment ? [data.payment] : []);
  if (nodes.length === 0) throw new Error(`the gateway answered no payment: ${answer.slice(0, 500)}`);
  return nodes.map(({ id, status, createdAt, amount, customer, attempts, refunds }) => ({
    id: bare(id),
    status,
    ...amount,
    createdAt: momentOf(createdAt),
    customer: customer && { ...customer, id: bare(customer.id) },
    attempts: attempts.map(readOurPart),
    refunds: refunds.map(readOurPart),
  }));
}

/** What PostGraphile has said of payments. */
export function readPeers(answer: string): PaymentShape[] {
  const { data } = JSON.parse(answer) as {
    data?: { allPaymentsList?: PeerPayment[]; paymentByEnvironmentIdAndRowId?: PeerPayment | null } | null;
  };
  const one = data?.paymentByEnvironmentIdAndRowId;
  const nodes = data?.allPaymentsList ?? (one ? [one] : []);
  if (nodes.length === 0) throw new Error(`PostGraphile answered no payment: ${answer.slice(0, 500)}`);
  return nodes.map((node) => {
    const customer = node.customerByEnvironmentIdAndCustomerId;
    return {
      ...readPeersPart(node),
      currency: node.currency,
      customer: customer && { id: customer.rowId, email: customer.email, firstName: customer.firstName },
      attempts: node.attemptsByEnvironmentIdAndPaymentIdAndCurrencyList.map(readPeersPart),
      refunds: node.refundsByEnvironmentIdAndPaymentIdAndCurrencyList.map(readPeersPart),
    };
  });
}

function readOurPart({ id, status, amount, createdAt }: OurPart): PartShape {
  return { id: bare(id), status, amount: amount.amount, createdAt: momentOf(createdAt) };
}

function readPeersPart({ rowId, status, amount, createdAt }: PeerPart): PartShape {
  return { id: rowId, status, amount: Number(amount), createdAt: momentOf(createdAt) };
}

/** The UUID in a global id. */
function bare(id: string): string {
  return id.slice(id.indexOf('_') + 1);
}

/** One writes a moment in UTC, the other with an offset. */
function momentOf(text: string): string {
  return new Date(text).toISOString();
}
