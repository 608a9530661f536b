import { getOperationAST, GraphQLError, Lexer, parse, Source, TokenKind, type DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { shapeOf } from './document-shape.ts';
import { overLimit, refusal, type RefusalCode } from './refusal.ts';
import type { Limits } from '../domain/limits.ts';

/**
 * Holds every document to the limits before anything that graphql does with it: its parser recurses, and its rules take
 * time that grows with the square of a document. Every transport parses here, so that one set of rules is for all.
 */
export function useDocumentLimits(limits: Limits): Plugin {
  return {
    onParse({ context, setParseFn }) {
      const { params } = context as { params?: { variables?: unknown; operationName?: unknown } };
      const nesting = nestingOf(params?.variables, limits.nesting);
      if (nesting > limits.nesting) throw tooNested('The variables are', limits.nesting, nesting);
      // Only what no cache has is parsed.
      setParseFn((source: string | Source) => parseWithin(limits, source));
      return ({ result }) => {
        if (result instanceof GraphQLError) {
          // One of ours says how HTTP answers it. Thrown here, Yoga leaves it at that.
          if ('http' in result.extensions) throw result;
          result.extensions['code'] ??= 'GRAPHQL_PARSE_FAILED';
        } else if (!(result instanceof Error)) {
          checkOperation(result as DocumentNode, params?.operationName);
        }
      };
    },
  };
}

/**
 * Parses a document that keeps the limits.
 * @throws GraphQLError if it does not, or is none
 */
export function parseWithin(limits: Limits, source: string | Source): DocumentNode {
  checkTokens(limits, typeof source === 'string' ? new Source(source) : source);
  const document = parse(source, { maxLexicalTokens: limits.tokens });
  const shape = shapeOf(document);
  const { nesting } = limits;
  if (shape.nesting > nesting) throw tooNested('The selections are', nesting, shape.nesting);
  const check = (name: keyof typeof shape, code: RefusalCode, what: string): void => {
    const found = shape[name];
    if (found > limits[name])
      throw overLimit(code, `${what}: ${found}; the limit is ${limits[name]}.`, at(name, found));
  };
  const at = (name: keyof typeof shape, found: number) => ({ limit: limits[name], found });
  check('depth', 'DOCUMENT_TOO_DEEP', 'So many levels of fields are too many');
  check('aliases', 'TOO_MANY_ALIASES', 'So many fields with another name are too many');
  check('duplicateFields', 'TOO_MANY_DUPLICATE_FIELDS', 'So many fields that are there already are too many');
  check('fragments', 'TOO_MANY_FRAGMENTS', 'So many fragments are too many');
  return document;
}

/** What opens a bracket, and what closes one. */
const BRACKETS: Readonly<Partial<Record<TokenKind, 1 | -1>>> = {
  [TokenKind.BRACE_L]: 1,
  [TokenKind.BRACKET_L]: 1,
  [TokenKind.PAREN_L]: 1,
  [TokenKind.BRACE_R]: -1,
  [TokenKind.BRACKET_R]: -1,
  [TokenKind.PAREN_R]: -1,
};

/** Counts what can be counted without a parser, which would recurse with every bracket. */
function checkTokens({ tokens, nesting, directives }: Limits, source: Source): void {
  const lexer = new Lexer(source);
  let [open, directivesFound] = [0, 0];
  for (let found = 1; lexer.advance().kind !== TokenKind.EOF; found++) {
    const { kind } = lexer.token;
    if (found > tokens) {
      const message = `This document has more than ${tokens} tokens, which is the limit.`;
      throw overLimit('TOO_MANY_TOKENS', message, { limit: tokens, found });
    }
    open += BRACKETS[kind] ?? 0;
    if (open > nesting) throw tooNested('The brackets of this document are', nesting, open);
    if (kind === TokenKind.AT && ++directivesFound > directives) {
      const message = `This document has more than ${directives} directives, which is the limit.`;
      throw overLimit('TOO_MANY_DIRECTIVES', message, { limit: directives, found: directivesFound });
    }
  }
}

function tooNested(what: string, limit: number, found: number): GraphQLError {
  return overLimit('TOO_DEEPLY_NESTED', `${what} nested more than ${limit} deep, which is the limit.`, {
    limit,
    found,
  });
}

/** How deep lists and objects are in one another; looked at no further than one level more than the limit. */
function nestingOf(value: unknown, limit: number): number {
  let level = [value].filter(isContainer);
  let depth = 0;
  for (; level.length > 0 && depth <= limit; depth++) {
    level = level.flatMap((each) => Object.values(each).filter(isContainer));
  }
  return depth;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** @throws GraphQLError where the document does not tell which of its operations is meant */
function checkOperation(document: DocumentNode, name: unknown): void {
  const given = typeof name === 'string' ? name : undefined;
  if (getOperationAST(document, given) != null) return;
  const message =
    given === undefined
      ? 'Give operationName: this document does not have exactly one operation.'
      : 'This document has no operation of the name that operationName gives.';
  throw refusal('OPERATION_NOT_FOUND', 400, message);
}
