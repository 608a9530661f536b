/** What one operation may come to. Each is a setting of its own (variables.ts); docs/limits.md says what it answers. */
export interface Limits {
  /** Tokens of a document. */
  readonly tokens: number;
  /** Fields in fields, through fragments. */
  readonly depth: number;
  /** Brackets in brackets: of a document, through its fragments; and lists and objects of variables. */
  readonly nesting: number;
  /** Fields of a document that are given another name. */
  readonly aliases: number;
  readonly directives: number;
  /** Fields of a selection that are there already under the same name, all selections together. */
  readonly duplicateFields: number;
  /** Fragments that a document defines. */
  readonly fragments: number;
  /** Fields that an answer to a secret key may have. */
  readonly cost: number;
  /** The same for a payer's client token. */
  readonly payerCost: number;
  /** How long an operation may take; of a subscription, what each event comes to. */
  readonly operationMs: number;
}

/**
 * The documents of GraphiQL and codegen that ask for the schema have 184 tokens, 15 levels of fields in 18 brackets and 3
 * fragments, and come to 25,000 fields. Fragments that all have the same fields are compared by graphql in pairs.
 */
export const DEFAULT_LIMITS: Limits = {
  tokens: 5_000,
  depth: 20,
  nesting: 50,
  aliases: 50,
  directives: 50,
  duplicateFields: 100,
  fragments: 50,
  cost: 500_000,
  payerCost: 50_000,
  operationMs: 30_000,
};
