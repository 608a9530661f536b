import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveByDns, resolveHere } from '../../src/webhooks/resolve.ts';

/** What a name server of these tests knows: the bytes of addresses by name and type of record. */
const A = 1;
const AAAA = 28;
const LOOPBACK6 = [...Array.from({ length: 15 }, () => 0), 1];
const RECORDS: Readonly<Record<string, Readonly<Record<number, readonly (readonly number[])[]>>>> = {
  'both.example': {
    [A]: [
      [8, 8, 8, 8],
      [9, 9, 9, 9],
    ],
    [AAAA]: [LOOPBACK6],
  },
  'four.example': { [A]: [[10, 0, 0, 5]], [AAAA]: [] },
};

const NO_SUCH_NAME = 3;

/** The answer to a query (RFC 1035). The question ends four bytes after the name does. */
function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const type = query.readUInt16BE(at + 1);
  const known = RECORDS[labels.join('.')];
  const addresses = known?.[type] ?? [];
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180 | (known === undefined ? NO_SUCH_NAME : 0), 2);
  for (const [place, count] of [1, addresses.length, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * place);
  const records = addresses.map((bytes) =>
    Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes]),
  );
  return Buffer.concat([head, query.subarray(12, at + 5), ...records]);
}

let server: Socket;
let servers: string[];

beforeAll(async () => {
  server = createSocket('udp4');
  server.on('message', (query, { port, address }) => server.send(answer(query), port, address));
  await new Promise<void>((resolve) => {
    server.bind(0, '127.0.0.1', resolve);
  });
  servers = [`127.0.0.1:${server.address().port}`];
});

afterAll(async () => {
  await new Promise<void>((resolve) => {
    server.close(resolve);
  });
});

test('addresses of both families are found', async () => {
  expect(await resolveByDns(servers)('both.example')).toEqual([
    { address: '::1', family: 6 },
    { address: '8.8.8.8', family: 4 },
    { address: '9.9.9.9', family: 4 },
  ]);
});

test('a name that has one family only is found', async () => {
  expect(await resolveByDns(servers)('four.example')).toEqual([{ address: '10.0.0.5', family: 4 }]);
});

test('a name that there is not, and one that only this machine knows', async () => {
  for (const host of ['no.example', 'localhost']) {
    await expect(resolveByDns(servers)(host)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  }
  expect((await resolveHere('localhost')).length).toBeGreaterThan(0);
});
