import type { DocumentNode } from 'graphql';

/** Some 30 MB: a token takes about 300 bytes in a parsed document. */
const TOKENS_MAX = 100_000;

/**
 * Documents that were parsed, by their text, as many as have TOKENS_MAX together: those that were not asked for the longest
 * go. Anybody may send documents, so a bound on their number alone would let a few hundred large ones fill the heap.
 */
export class DocumentCache {
  readonly #documents = new Map<string, DocumentNode>();
  #tokens = 0;

  get(text: string): DocumentNode | undefined {
    const document = this.#documents.get(text);
    if (document === undefined) return undefined;
    // A map keeps the order in which its keys were set.
    this.#documents.delete(text);
    this.#documents.set(text, document);
    return document;
  }

  set(text: string, document: DocumentNode): void {
    if (this.#documents.has(text)) return;
    this.#documents.set(text, document);
    this.#tokens += tokensOf(document);
    for (const [oldest, its] of this.#documents) {
      if (this.#tokens <= TOKENS_MAX) break;
      this.#documents.delete(oldest);
      this.#tokens -= tokensOf(its);
    }
  }
}

function tokensOf({ tokenCount }: DocumentNode): number {
  if (tokenCount === undefined) throw new Error('a document that was parsed has its tokens counted');
  return tokenCount;
}
