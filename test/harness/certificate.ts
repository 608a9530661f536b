import { generateKeyPairSync, sign } from 'node:crypto';

/** A server's key and certificate, in PEM. */
export interface Certified {
  readonly key: string;
  readonly cert: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const OCTETS = 0x04;
const BITS = 0x03;
/** The second alternative of a GeneralName, in its context: a DNS name. */
const DNS_NAME = 0x82;

/** ecdsa-with-SHA256, the common name, and the subject's other names, as DER writes their numbers. */
const ECDSA_SHA256 = '06082a8648ce3d040302';
const COMMON_NAME = '0603550403';
const SUBJECT_ALT_NAME = '0603551d11';

/** One value of DER (X.690): its tag, its length, and what is in it. */
function der(tag: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

/** A certificate for a host that it signs itself, good for some years to come (RFC 5280). Nobody trusts it by themselves. */
export function certify(host: string): Certified {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(SEQUENCE, ECDSA_SHA256);
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from(host)))));
  const validity = der(SEQUENCE, der(0x17, Buffer.from('260101000000Z')), der(0x17, Buffer.from('490101000000Z')));
  const names = der(OCTETS, der(SEQUENCE, der(DNS_NAME, Buffer.from(host))));
  const extensions = der(0xa3, der(SEQUENCE, der(SEQUENCE, SUBJECT_ALT_NAME, names)));
  const version3 = der(0xa0, '020102');
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const signed = der(SEQUENCE, version3, '020101', algorithm, name, validity, name, key, extensions);
  const signature = der(BITS, '00', sign('sha256', signed, privateKey));
  const whole = der(SEQUENCE, signed, algorithm, signature);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${whole.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}
