import { openPage, PAGE_PATHS } from '../../src/payments/page-link.ts';
import { only, type TestGateway } from './gateway.ts';
import type { Till } from './till.ts';

/** What a payer types. */
export interface CardFields {
  readonly number?: string;
  readonly expiry?: string;
  readonly cvc?: string;
  readonly name?: string;
}

/** An answer as a browser gets it, redirects not followed. */
export interface Shown {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  readonly location: string | null;
}

/** An expiry that is some years ahead. */
export const EXPIRY = `12/${(new Date().getUTCFullYear() + 5) % 100}`;

/** A payer at hosted payment pages, as a browser without a script: it keeps nothing but what a page shows. */
export class PagePayer {
  readonly #gateway: () => TestGateway;
  /** Every header and body that came back so far, as one text. */
  seen = '';

  constructor(gateway: () => TestGateway) {
    this.#gateway = gateway;
  }

  /** A payment without a card. @returns its id and the address of its page */
  async asked(till: Till, input: Parameters<Till['create']>[0] = {}): Promise<{ id: string; url: string }> {
    const { payment } = only(await till.create(input), 'CreatePaymentPayload');
    return { id: payment.id, url: await this.urlOf(payment.id) };
  }

  async urlOf(id: string, key?: string): Promise<string> {
    const query = 'query ($id: ID!) { payment(id: $id) { hostedPaymentUrl } }';
    const options = key === undefined ? {} : { key };
    const { data } = await this.#gateway().request<{ payment: { hostedPaymentUrl: string } }>(query, { id }, options);
    const url = data?.payment.hostedPaymentUrl;
    if (url == null) throw new Error(`${id} has no hosted page`);
    return url;
  }

  async open(url: string, init: RequestInit = {}): Promise<Shown> {
    const response = await fetch(url, { redirect: 'manual', ...init });
    const html = await response.text();
    this.seen += `\n${[...response.headers].join('\n')}\n${html}`;
    return { status: response.status, headers: response.headers, html, location: response.headers.get('location') };
  }

  /** Opens the form, and sends it with a card that is good unless told otherwise. */
  async pay(url: string, fields: CardFields = {}): Promise<Shown> {
    return this.send(url, { nonce: nonceIn((await this.open(url)).html), ...fields });
  }

  /** Sends a form with these fields. */
  async send(
    url: string,
    fields: CardFields & Readonly<Record<string, string>>,
    init: RequestInit = {},
  ): Promise<Shown> {
    const whole = { number: '4242424242424242', expiry: EXPIRY, cvc: '123', name: 'Jenny Rosen', ...fields };
    return this.open(url, { method: 'POST', body: new URLSearchParams(whole), ...init });
  }
}

/** The nonce of a page's form. @throws if there is no form */
export function nonceIn(html: string): string {
  const nonce = /name="nonce" value="([\w-]+)"/.exec(html)?.[1];
  if (nonce === undefined) throw new Error(`no form in ${html}`);
  return nonce;
}

/** Which payment's page an address is. */
export function paymentOf({ app }: TestGateway, url: string): { environmentId: string; id: string } {
  const key = openPage(app.gateway, 'pay', new URL(url).pathname.slice(PAGE_PATHS.pay.length));
  if (key === undefined) throw new Error(`${url} opens nothing`);
  return key;
}
