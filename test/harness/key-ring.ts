import {
  ApiKeysDocument,
  AuditLogDocument,
  CreateApiKeyDocument,
  RevokeApiKeyDocument,
  RollApiKeyDocument,
  type ApiKeyFieldsFragment,
  type ApiKeyStatus,
  type AuditLogQueryVariables,
  type CreateApiKeyInput,
  type KeyScope,
  type RollApiKeyInput,
} from '../../generated/operations/graphql.ts';
import { only, type TestGateway } from './gateway.ts';

/** What was told of a key when it was made. */
export interface MadeKey extends ApiKeyFieldsFragment {
  readonly secret: string;
}

/** A merchant who administers keys, with one of them. */
export class KeyRing {
  readonly #gateway: () => TestGateway;
  readonly #key: () => string;

  /** @param key the secret key that is used; that of the tests unless told otherwise */
  constructor(gateway: () => TestGateway, key: () => string = () => gateway().keys.test) {
    this.#gateway = gateway;
    this.#key = key;
  }

  get #options(): { key: string } {
    return { key: this.#key() };
  }

  async create(input: Partial<CreateApiKeyInput> = {}) {
    const whole = { name: 'A key', scopes: ['READ'] satisfies KeyScope[], ...input };
    return (await this.#gateway().execute(CreateApiKeyDocument, { input: whole }, this.#options)).createApiKey;
  }

  /** A key that was not refused. */
  async make(...scopes: KeyScope[]): Promise<MadeKey> {
    return this.makeWith({ scopes });
  }

  async makeWith(input: Partial<CreateApiKeyInput>): Promise<MadeKey> {
    const { apiKey, secret } = only(await this.create(input), 'CreateApiKeyPayload');
    return { ...apiKey, secret };
  }

  async roll(input: RollApiKeyInput) {
    return (await this.#gateway().execute(RollApiKeyDocument, { input }, this.#options)).rollApiKey;
  }

  async revoke(keyId: string) {
    return (await this.#gateway().execute(RevokeApiKeyDocument, { input: { keyId } }, this.#options)).revokeApiKey;
  }

  async list(...status: ApiKeyStatus[]): Promise<ApiKeyFieldsFragment[]> {
    const filter = status.length === 0 ? null : { status };
    const { apiKeys } = await this.#gateway().execute(ApiKeysDocument, { filter, first: 100 }, this.#options);
    return apiKeys.edges.map(({ node }) => node);
  }

  /** A key as it is listed. @throws if it is not */
  async read(id: string): Promise<ApiKeyFieldsFragment> {
    const key = (await this.list()).find((each) => each.id === id);
    if (key === undefined) throw new Error(`there is no key ${id}`);
    return key;
  }

  /** The audit log, the latest first. */
  async log(filter: AuditLogQueryVariables['filter'] = null) {
    const { auditLog } = await this.#gateway().execute(AuditLogDocument, { filter, first: 100 }, this.#options);
    return auditLog.edges.map(({ node }) => node);
  }
}
