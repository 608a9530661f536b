import type { TestGateway } from './gateway.ts';
import { openSocket } from './socket.ts';
import { until } from './until.ts';

/** A request as every transport carries it; some of these are none. */
export interface Payload {
  readonly query?: string;
  readonly variables?: unknown;
  /** In place of variables: JSON that JSON.stringify could not make. */
  readonly variablesText?: string;
  readonly operationName?: string;
  readonly extensions?: object;
}

export interface Outcome {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Of HTTP. */
  readonly status?: number;
}

type Transport = (gateway: TestGateway, payload: Payload, key?: string) => Promise<Outcome>;

const overHttp: Transport = async (gateway, payload, key = gateway.keys.test) => {
  const response = await post(gateway, payload, { authorization: key });
  return { ...((await response.json()) as Outcome), status: response.status };
};

const overEvents: Transport = async (gateway, payload, key = gateway.keys.test) => {
  const response = await post(gateway, payload, { authorization: key, accept: 'text/event-stream' });
  const text = await response.text();
  const data = /^data: ?(\{.*)$/m.exec(text)?.[1] ?? text;
  return { ...(JSON.parse(data) as Outcome), status: response.status };
};

/** With an operation that goes before and stays: it must not notice. */
const overWebSocket: Transport = async (gateway, payload, key = gateway.keys.test) => {
  const { socket, messages, closed, send } = await openSocket(gateway, { authorization: key });
  let code: number | undefined;
  void closed.then((given) => (code = given));
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  const answerOf = async (id: string): Promise<Outcome> => {
    const answer = await until(() => {
      if (code !== undefined) throw new Error(`the socket was closed with ${code}`);
      return messages.find((message) => message.id === id && message.type !== 'complete');
    });
    return answer.type === 'error'
      ? { errors: answer.payload as NonNullable<Outcome['errors']> }
      : (answer.payload as Outcome);
  };
  socket.send(`{"type":"subscribe","id":"asked","payload":${textOf({ query: '', ...payload })}}`);
  const outcome = await answerOf('asked');
  send({ type: 'subscribe', id: 'after', payload: { query: '{ __typename }' } });
  const after = await answerOf('after');
  if (after.errors !== undefined && after.errors[0]?.extensions?.['code'] !== 'PERSISTED_QUERY_ID_REQUIRED') {
    throw new Error(`the socket answers no more: ${JSON.stringify(after)}`);
  }
  socket.close();
  return outcome;
};

function textOf({ variablesText, ...payload }: Payload): string {
  const text = JSON.stringify(payload);
  return variablesText === undefined ? text : `${text.slice(0, -1)},"variables":${variablesText}}`;
}

function post(gateway: TestGateway, payload: Payload, headers: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: textOf(payload),
  });
}

/** One request and its answer, over each of the transports. */
export const TRANSPORTS: readonly (readonly [string, Transport])[] = [
  ['HTTP', overHttp],
  ['server-sent events', overEvents],
  ['WebSocket', overWebSocket],
];
