import {
  ExplainRoutingDocument,
  RoutedAttemptsDocument,
  RoutingDocument,
  SetRoutingDocument,
  type ExplainRoutingInput,
  type RoutingRuleInput,
} from '../../generated/operations/graphql.ts';
import { only, type TestGateway } from './gateway.ts';

/** A merchant who says where cards are charged. */
export class Routes {
  readonly #gateway: () => TestGateway;
  readonly #key: keyof TestGateway['keys'];

  constructor(gateway: () => TestGateway, key: keyof TestGateway['keys'] = 'test') {
    this.#gateway = gateway;
    this.#key = key;
  }

  get #options(): { key: string } {
    return { key: this.#gateway().keys[this.#key] };
  }

  async read() {
    return (await this.#gateway().execute(RoutingDocument, {}, this.#options)).routing;
  }

  async set(rules: RoutingRuleInput[], version?: number) {
    const input = { rules, version: version ?? (await this.read()).version };
    return (await this.#gateway().execute(SetRoutingDocument, { input }, this.#options)).setRouting;
  }

  /** Rules that are not refused. */
  async hold(rules: RoutingRuleInput[]) {
    return only(await this.set(rules), 'SetRoutingPayload').routing;
  }

  async explain(input: Partial<ExplainRoutingInput> = {}) {
    const whole = { amount: 4999, currency: 'EUR', brand: 'VISA', ...input } as const;
    return (await this.#gateway().execute(ExplainRoutingDocument, { input: whole }, this.#options)).explainRouting;
  }

  async attempts(id: string) {
    const { payment } = await this.#gateway().execute(RoutedAttemptsDocument, { id }, this.#options);
    if (payment === null) throw new Error(`there is no payment ${id}`);
    return payment;
  }
}

/** A rule that leads to these accounts, or to the sandbox: the first always, the others if it can do nothing. */
export function ruleTo(
  name: string,
  accounts: readonly ({ id: string } | null)[],
  rule: Partial<RoutingRuleInput> = {},
) {
  const targets = accounts.map((account, index) => ({
    processorAccountId: account?.id ?? null,
    weight: index === 0 ? 1 : 0,
  }));
  return { name, targets, ...rule };
}
