import type { ProcessorAccount } from '../../generated/prisma/client.ts';
import { holdsCardNumber } from '../domain/card.ts';
import { encodeId } from '../domain/ids.ts';
import { fail, ok, unreachable, type Result } from '../domain/result.ts';
import type { AccountCheck, AccountProcessor, Connector, Credentials } from '../processors/account-port.ts';
import type { Audited } from '../store/audit.ts';
import {
  addProcessorAccount,
  auditAccount,
  changeProcessorAccount,
  findProcessorAccount,
} from '../store/processor-accounts.ts';
import { entryOfAccount } from './credentials.ts';
import { checkText } from './details.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { inTime, reportSilence } from './in-time.ts';

const ACCOUNTS_MAX = 20;
const NAME_LENGTH_MAX = 100;
/** Two while one replaces the other. */
const NOTIFICATION_SECRETS_MAX = 2;
/** From so long that its last characters tell little of it, to longer than any processor's. */
const SECRET = /^[\x21-\x7e]{12,300}$/;

/** What may be said of an account. In an update, undefined leaves a field as it is. */
export interface AccountFields {
  readonly name?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly notificationSecrets?: readonly string[] | undefined;
  readonly rawCards?: boolean | undefined;
}

/**
 * Adds an account with a processor, whose credentials that processor takes. It moves no money, so it takes no idempotency
 * key: an account that was added by a request whose answer was lost has the name.
 */
export async function createProcessorAccount(
  gateway: Gateway,
  caller: Caller,
  input: AccountFields & { readonly processor: string; readonly name: string; readonly secretKey: string },
): Promise<Result<ProcessorAccount, Failure>> {
  const { processor, name, rawCards = false, secretKey, notificationSecrets = [] } = input;
  const connector = gateway.processors.connector(processor);
  const credentials = { secretKey, notificationSecrets };
  const checked = await check(gateway, connector, caller, input, credentials);
  if (!checked.ok) return checked;
  const { environmentId } = caller;
  const id = gateway.newId();
  const sealed = gateway.processors.sealed({ environmentId, id }, credentials);
  const row = { id, name, processor, rawCards, ...sealed };
  const subject = encodeId('ProcessorAccount', id);
  const entry: Audited = { act: 'PROCESSOR_ACCOUNT_CREATED', subject, after: { processor, rawCards, enabled: true } };
  const outcome = await addProcessorAccount(gateway.database, { by: caller, entry }, row, ACCOUNTS_MAX);
  switch (outcome) {
    case 'name_taken':
      return invalid('There is an account of this name already.', 'name');
    case 'too_many':
      return invalid(`There are ${ACCOUNTS_MAX} accounts already, which is as many as there can be.`);
    case 'added':
      return find(gateway, caller, id);
    default:
      return unreachable(outcome);
  }
}

/**
 * Changes what the input names. What was begun in the account goes on there with the new credentials: they have to be of
 * the same account at the processor.
 */
export async function updateProcessorAccount(
  gateway: Gateway,
  caller: Caller,
  id: string,
  input: AccountFields & { readonly enabled?: boolean | undefined },
): Promise<Result<ProcessorAccount, Failure>> {
  const { name, rawCards, enabled, secretKey, notificationSecrets } = input;
  const found = await find(gateway, caller, id);
  if (!found.ok) return found;
  const { processors, database } = gateway;
  const before = found.value;
  const isKeyed = secretKey !== undefined || notificationSecrets !== undefined;
  const credentials = isKeyed ? renewed(processors.credentialsOf(before), input) : undefined;
  if (isKeyed && credentials === undefined) {
    const message =
      'The credentials that are kept cannot be opened any more: give the key and the notification secrets.';
    return invalid(message, secretKey === undefined ? 'secretKey' : 'notificationSecrets');
  }
  const checked = await check(gateway, processors.connector(before.processor), caller, input, credentials);
  if (!checked.ok) return checked;
  const changes = {
    ...(credentials && processors.sealed(before, credentials)),
    ...(name !== undefined && { name }),
    ...(rawCards !== undefined && { rawCards }),
    ...(enabled !== undefined && { enabled }),
    updatedAt: gateway.now(),
    updatedBy: caller.actor,
  };
  const entryOf = entryOfAccount('PROCESSOR_ACCOUNT_UPDATED');
  const outcome = await changeProcessorAccount(database, before, { by: caller, changes, entryOf });
  switch (outcome) {
    case 'name_taken':
      return invalid('There is an account of this name already.', 'name');
    case 'overtaken':
      return invalid('The account was changed at the same moment: look at it, and change it again.', 'accountId');
    case 'changed':
      return find(gateway, caller, id);
    default:
      return unreachable(outcome);
  }
}

/** The credentials with what is given of them in place of what was kept; undefined where a part is in neither. */
function renewed(
  kept: Credentials | undefined,
  { secretKey = kept?.secretKey, notificationSecrets = kept?.notificationSecrets }: AccountFields,
): Credentials | undefined {
  if (secretKey === undefined || notificationSecrets === undefined) return undefined;
  return { secretKey, notificationSecrets };
}

/** What came of a test: what the processor says of the credentials, or that nobody can open them. */
export type AccountTest = AccountCheck | { readonly kind: 'sealed' };

/** Asks the processor whether it takes the credentials that are kept. */
export async function testProcessorAccount(
  gateway: Gateway,
  caller: Caller,
  id: string,
): Promise<Result<{ readonly account: ProcessorAccount; readonly check: AccountTest }, Failure>> {
  const found = await find(gateway, caller, id);
  if (!found.ok) return found;
  const account = found.value;
  const connection = await gateway.processors.to(account);
  const answer: AccountTest = connection === undefined ? { kind: 'sealed' } : await ask(gateway, connection);
  const subject = encodeId('ProcessorAccount', id);
  const entry: Audited = { act: 'PROCESSOR_ACCOUNT_TESTED', subject, after: { result: answer.kind } };
  await auditAccount(gateway.database, caller, entry);
  return ok({ account, check: answer });
}

/** What a processor says of an account's credentials. Where nothing is heard of it, it could not be asked. */
async function ask(gateway: Gateway, connection: AccountProcessor): Promise<AccountCheck> {
  try {
    return await inTime(connection.limits.callTimeoutMs, (signal) => connection.check(signal));
  } catch (error) {
    reportSilence(gateway, connection.name, error);
    return { kind: 'unreachable' };
  }
}

async function find(
  gateway: Gateway,
  { environmentId }: Caller,
  id: string,
): Promise<Result<ProcessorAccount, Failure>> {
  const account = await findProcessorAccount(gateway.database, environmentId, id);
  return account === undefined ? notFound('processor account', 'accountId') : ok(account);
}

/** Without a card number: that may have been typed in the wrong place. */
function isSecret(text: string): boolean {
  return SECRET.test(text) && !holdsCardNumber(text);
}

/** Checks what is said of an account; credentials are tried out, too. */
async function check(
  gateway: Gateway,
  connector: Connector,
  { mode }: Caller,
  { name, secretKey, notificationSecrets = [], rawCards = false }: AccountFields,
  credentials: Credentials | undefined,
): Promise<Result<true, Failure>> {
  if (name === '') return invalid(`A name has 1 to ${NAME_LENGTH_MAX} characters.`, 'name');
  const named = checkText(name ?? null, ['name'], NAME_LENGTH_MAX);
  if (!named.ok) return named;
  if (notificationSecrets.length > NOTIFICATION_SECRETS_MAX) {
    return invalid(`There are at most ${NOTIFICATION_SECRETS_MAX}.`, 'notificationSecrets');
  }
  const unfit = notificationSecrets.findIndex((secret) => !isSecret(secret));
  if (unfit !== -1) return invalid('This is no secret of a processor.', 'notificationSecrets', String(unfit));
  if (secretKey !== undefined && !isSecret(secretKey)) return invalid('This is no key of a processor.', 'secretKey');
  if (credentials === undefined) return ok(true);
  const refused = connector.refusesCredentials(credentials, mode);
  if (refused !== undefined) return invalid(refused, 'secretKey');
  if (secretKey === undefined) return ok(true);
  const answer = await ask(gateway, await connector.connect(credentials, { rawCards }));
  switch (answer.kind) {
    case 'good':
      return ok(true);
    case 'refused':
      return invalid(answer.message, 'secretKey');
    case 'unreachable': {
      const message = 'The processor could not be asked about the key. Nothing was changed: ask again.';
      return fail({ code: 'PROCESSOR_UNAVAILABLE', message, path: ['input', 'secretKey'] });
    }
    default:
      return unreachable(answer);
  }
}
