import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { createKeyring } from '../../src/payments/keyring.ts';
import { secretText, signedHeaders } from '../../src/webhooks/signature.ts';

const keyring = createKeyring('a secret of the tests that has more than 32 characters');
const ENDPOINT = '01a1fc18-4392-7415-96d9-ad7e89337a45';
const secret = keyring.webhookSecret(ENDPOINT, 1);
const message = { id: 'whd_1', timestampSeconds: Math.floor(Date.now() / 1_000), body: '{"type":"tender.test","ü":1}' };

test('the official library takes it, with the secret as it is told', () => {
  expect(new Webhook(secretText(secret)).verify(message.body, signedHeaders(message, [secret]))).toEqual(
    JSON.parse(message.body),
  );
});

test('it signs as the official library does', () => {
  const official = new Webhook(secretText(secret)).sign(
    message.id,
    new Date(message.timestampSeconds * 1_000),
    message.body,
  );
  expect(signedHeaders(message, [secret])['webhook-signature']).toBe(official);
});

test('it is an HMAC-SHA256 over id, time and body', () => {
  const signature = createHmac('sha256', secret)
    .update(`${message.id}.${message.timestampSeconds}.${message.body}`)
    .digest('base64');
  expect(signedHeaders(message, [secret])).toEqual({
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestampSeconds),
    'webhook-signature': `v1,${signature}`,
  });
});

test('during a rotation, either secret verifies it', () => {
  const newer = keyring.webhookSecret(ENDPOINT, 2);
  const headers = signedHeaders(message, [newer, secret]);
  expect(headers['webhook-signature'].split(' ')).toHaveLength(2);
  for (const each of [newer, secret]) {
    expect(() => new Webhook(secretText(each)).verify(message.body, headers)).not.toThrow();
  }
  const third = secretText(keyring.webhookSecret(ENDPOINT, 3));
  expect(() => new Webhook(third).verify(message.body, headers)).toThrow(/signature/);
});

test('secrets differ by endpoint, version and installation, and are as long as the standard wants', () => {
  const others = [
    keyring.webhookSecret(ENDPOINT, 2),
    keyring.webhookSecret('01a1fc18-4392-7415-96d9-ad7e89337a46', 1),
    createKeyring('another secret of the tests that has more than 32 characters').webhookSecret(ENDPOINT, 1),
  ];
  expect(new Set([secret, ...others].map(secretText)).size).toBe(4);
  expect(keyring.webhookSecret(ENDPOINT, 1)).toEqual(secret);
  expect(secret).toHaveLength(32);
  expect(secretText(secret)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
});
