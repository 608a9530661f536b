import { Kind, type DocumentNode, type SelectionSetNode } from 'graphql';

/** How large the parts of a document are. */
export interface DocumentShape {
  /** Fields in fields, through fragments. */
  readonly depth: number;
  /** Selections in selections, through fragments: inline fragments count as well. */
  readonly nesting: number;
  readonly aliases: number;
  readonly duplicateFields: number;
  readonly fragments: number;
}

interface Levels {
  readonly depth: number;
  readonly nesting: number;
}

/** The spread of a fragment in a part, and how deep. */
interface Spread extends Levels {
  readonly name: string;
}

/** A definition: its own levels, and those of the fragments that it spreads. */
interface Part {
  levels: Levels;
  readonly spreads: readonly Spread[];
  /** Spreads whose fragments were not added yet. */
  open: number;
}

/**
 * Measures a document that was parsed and not validated: its fragments may be missing, or lead in a circle. Every node is
 * looked at once, whatever the fragments multiply to.
 */
export function shapeOf({ definitions }: DocumentNode): DocumentShape {
  const counts = { aliases: 0, duplicateFields: 0 };
  const fragments = new Map<string, Part>();
  const parts: Part[] = [];
  let fragmentCount = 0;
  for (const definition of definitions) {
    const isFragment = definition.kind === Kind.FRAGMENT_DEFINITION;
    if (!isFragment && definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const part = partOf(definition.selectionSet, counts);
    parts.push(part);
    if (!isFragment) continue;
    fragments.set(definition.name.value, part);
    fragmentCount++;
  }
  addFragments(parts, fragments);
  const deepest = parts.map(({ levels }) => levels).reduce(deeper, { depth: 0, nesting: 0 });
  return { ...deepest, ...counts, fragments: fragmentCount };
}

/** Adds to each part what its fragments come to, the innermost first. One in a circle keeps its own: graphql refuses it. */
function addFragments(parts: readonly Part[], fragments: ReadonlyMap<string, Part>): void {
  const users = new Map<Part, { part: Part; at: Levels }[]>();
  for (const part of parts) {
    for (const spread of part.spreads) {
      const fragment = fragments.get(spread.name);
      if (fragment === undefined) continue;
      part.open++;
      const uses = users.get(fragment) ?? [];
      uses.push({ part, at: spread });
      users.set(fragment, uses);
    }
  }
  const known = parts.filter(({ open }) => open === 0);
  for (let fragment = known.pop(); fragment !== undefined; fragment = known.pop()) {
    const { depth, nesting } = fragment.levels;
    for (const { part, at } of users.get(fragment) ?? []) {
      part.levels = deeper(part.levels, { depth: at.depth + depth, nesting: at.nesting + nesting });
      if (--part.open === 0) known.push(part);
    }
  }
}

/** A selection that is still to be looked at. Inline fragments add to the names of the selection that they are in. */
interface Pending extends Levels {
  readonly set: SelectionSetNode;
  readonly names: Set<string>;
}

function partOf(selectionSet: SelectionSetNode, counts: { aliases: number; duplicateFields: number }): Part {
  const spreads: Spread[] = [];
  let deepest = { depth: 0, nesting: 0 };
  const pending: Pending[] = [{ set: selectionSet, names: new Set(), depth: 0, nesting: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { set, names, depth, nesting } = next;
    deepest = deeper(deepest, next);
    for (const selection of set.selections) {
      switch (selection.kind) {
        case Kind.FRAGMENT_SPREAD:
          spreads.push({ name: selection.name.value, depth, nesting });
          break;
        case Kind.INLINE_FRAGMENT:
          pending.push({ set: selection.selectionSet, names, depth, nesting: nesting + 1 });
          break;
        case Kind.FIELD: {
          const name = (selection.alias ?? selection.name).value;
          if (selection.alias !== undefined) counts.aliases++;
          if (names.has(name)) counts.duplicateFields++;
          names.add(name);
          deepest = deeper(deepest, { depth: depth + 1, nesting });
          const inner = selection.selectionSet;
          if (inner !== undefined)
            pending.push({ set: inner, names: new Set(), depth: depth + 1, nesting: nesting + 1 });
        }
      }
    }
  }
  return { levels: deepest, spreads, open: 0 };
}

function deeper(one: Levels, other: Levels): Levels {
  return { depth: Math.max(one.depth, other.depth), nesting: Math.max(one.nesting, other.nesting) };
}
