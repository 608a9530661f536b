import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** A year: browsers that were here over TLS do not come without it. */
const TRANSPORT_SECURITY = 'max-age=31536000';

/**
 * What every answer carries unless it says otherwise itself, as pages do with their policies: that it is nothing to load
 * anything, to be framed, kept, or taken for another type.
 */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['referrer-policy', 'no-referrer'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
];

/** The headers of this gateway's answers. */
export class SecurityHeaders {
  readonly #publicUrl: () => string;

  /** @param publicUrl known once the server listens */
  constructor(publicUrl: () => string) {
    this.#publicUrl = publicUrl;
  }

  set(response: ServerResponse): void {
    for (const [name, value] of HEADERS) response.setHeader(name, value);
    if (this.#isSecure()) response.setHeader('strict-transport-security', TRANSPORT_SECURITY);
  }

  /** A whole answer for a connection of which Node has made no response: it closes it. */
  rawAnswer(status: string, more: Readonly<Record<string, string>> = {}): string {
    const headers: OutgoingHttpHeaders = {
      connection: 'close',
      'content-length': '0',
      ...Object.fromEntries(HEADERS),
      ...(this.#isSecure() && { 'strict-transport-security': TRANSPORT_SECURITY }),
      ...more,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`;
  }

  #isSecure(): boolean {
    return this.#publicUrl().startsWith('https:');
  }
}
