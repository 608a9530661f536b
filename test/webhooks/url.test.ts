import { expect, test } from 'vitest';
import { checkWebhookUrl } from '../../src/webhooks/url.ts';

test.for([
  ['https://hooks.example/tender', 'https://hooks.example/tender'],
  ['https://hooks.example', 'https://hooks.example/'],
  ['https://hooks.example:8443/a?b=c', 'https://hooks.example:8443/a?b=c'],
  ['HTTPS://Hooks.Example/A', 'https://hooks.example/A'],
  ['https://8.8.8.8/', 'https://8.8.8.8/'],
  ['https://[2606:4700:4700::1111]/', 'https://[2606:4700:4700::1111]/'],
])('%s is taken', ([url, stored]) => {
  expect(checkWebhookUrl(String(url), false)).toEqual({ ok: true, value: stored });
});

const NOT_FOR_ANYONE = [
  '',
  'hooks.example',
  'ftp://hooks.example/',
  'file:///etc/passwd',
  'https://',
  'https://user@hooks.example/',
  'https://user:password@hooks.example/',
  'https://hooks.example/#part',
  `https://hooks.example/${'a'.repeat(2_048)}`,
  `https://hooks.example/${'ä'.repeat(500)}`,
];

test.for(NOT_FOR_ANYONE)('%s is not, whatever is configured', (url) => {
  expect([checkWebhookUrl(url, false).ok, checkWebhookUrl(url, true).ok]).toEqual([false, false]);
});

/** Every way to write these addresses comes to the same: the URL is read before it is looked at. */
const PRIVATE = [
  'http://hooks.example/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f.0.0.1/',
  'https://0177.0.0.1/',
  'https://10.1.2.3/',
  'https://169.254.169.254/latest/meta-data',
  'https://0/',
  'https://[::1]/',
  'https://[::]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[fd00::1]/',
];

test.for(PRIVATE)('%s is taken only where private networks are configured', (url) => {
  expect([checkWebhookUrl(url, false).ok, checkWebhookUrl(url, true).ok]).toEqual([false, true]);
});
