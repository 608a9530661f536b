import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
// The one parser of TypeScript that is installed and has an API; Vite's newer name for it is not exported here.
import { parseAst } from 'vitest/node';

/** A file imports its own folder or a lower floor; folders of one floor never import each other. */
const FLOORS: Readonly<Record<string, number>> = {
  domain: 0,
  store: 1,
  processors: 1,
  postgres: 1,
  webhooks: 1,
  payments: 2,
  schema: 3,
  due: 3,
  http: 4,
};

/**
 * What stands beside the floors: the wiring, which imports all of them, and what they know by its types only. A part of such
 * a file is known in the same way to all others.
 */
const BESIDE: Readonly<Record<string, 'wiring' | 'known by type' | `part of ${string}`>> = {
  'main.ts': 'wiring',
  'app.ts': 'wiring',
  'build.ts': 'wiring',
  'demo.ts': 'wiring',
  'gateway.ts': 'wiring',
  'stop.ts': 'wiring',
  'config.ts': 'known by type',
  'facts.ts': 'part of telemetry.ts',
  'new-id.ts': 'known by type',
  'telemetry.ts': 'known by type',
  'tracing.ts': 'known by type',
  'variables.ts': 'part of config.ts',
};

/** Imports that belong to some places only: which, as what, and the paths below src/ where they may stand. */
const RESERVED: readonly {
  readonly what: string;
  readonly imports: RegExp;
  readonly from: RegExp;
  readonly typesAreFree?: true;
}[] = [
  { what: 'GraphQL', imports: /^(graphql|graphql-.+|@graphql-.+|@pothos\/.+)(\/|$)/, from: /^(schema|http)\// },
  // Loaded where tracing is switched on, and nowhere else.
  { what: 'OpenTelemetry', imports: /^@opentelemetry\//, from: /^tracing\.ts$/ },
  { what: 'Stripe', imports: /^stripe(\/|$)/, from: /^processors\/stripe/ },
  // The enumerations are constants; everything else there leads to the client.
  { what: 'the Prisma client', imports: /^generated\/prisma\/(?!enums\.ts$)/, from: /^store\//, typesAreFree: true },
  { what: 'the Prisma client', imports: /^@prisma\//, from: /^store\//, typesAreFree: true },
];

/** What the domain may import from outside: modules of Node without input, output, clock or chance. */
const PURE_MODULES: ReadonlySet<string> = new Set(['node:assert', 'node:assert/strict', 'node:buffer']);

/** Input, output, clock and chance by their global names. */
const IMPURE_MEMBERS = /^(Date\.now|Math\.random|(process|console|crypto|performance)\..+)$/;
const IMPURE_CALLS: ReadonlySet<string> = new Set([
  'Date',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'randomUUID',
  'randomBytes',
  'getRandomValues',
]);

const EMPTY_NAMES = /^(utils?|helpers?|common|managers?)$/i;

export type Rule =
  | 'floor'
  | 'place'
  | 'wiring'
  | 'types only'
  | 'reserved'
  | 'environment'
  | 'pure domain'
  | 'all columns'
  | 'computed import'
  | 'outside'
  | 'default export'
  | 'name'
  | 'barrel';

export interface Violation {
  readonly path: string;
  readonly rule: Rule;
  readonly detail: string;
}

/** A file by its path from the top of the repository, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file of src/. */
export function sourceFiles(root: string): SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({
      path: `src/${name.replaceAll('\\', '/')}`,
      text: readFileSync(join(root, 'src', name), 'utf8'),
    }));
}

/** What breaks a rule. */
export function violations(files: readonly SourceFile[]): Violation[] {
  return files.flatMap(({ path, text }) => check(path, parse(text)).map(([rule, detail]) => ({ path, rule, detail })));
}

type Found = readonly [rule: Rule, detail: string];

/** A node of the syntax tree, of which only some fields are looked at. */
type Node = { readonly type: string } & Readonly<Record<string, unknown>>;

interface Import {
  readonly specifier: string;
  /** Whether nothing is left of it at run time. */
  readonly typeOnly: boolean;
}

function parse(text: string): Node[] {
  // oxlint-disable-next-line typescript/no-deprecated
  const program = parseAst(text, { lang: 'ts' }) as unknown as Node;
  return [...nodesBelow(program)];
}

function* nodesBelow(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const each of value) yield* nodesBelow(each);
  } else if (typeof value === 'object' && value !== null) {
    if ('type' in value && typeof value.type === 'string') yield value as Node;
    for (const each of Object.values(value)) yield* nodesBelow(each);
  }
}

function check(path: string, nodes: readonly Node[]): Found[] {
  const below = path.slice('src/'.length);
  const imports = importsOf(nodes);
  return [
    ...checkName(below),
    ...checkPlace(below),
    ...imports.flatMap((each) => checkImport(path, each)),
    ...nodes.flatMap((node) => checkNode(below, node)),
    ...(isBarrel(nodes) ? [['barrel', 'it only exports again what others export'] as const] : []),
  ];
}

function checkName(below: string): Found[] {
  const words = below.replace(/\.ts$/, '').split(/[/.-]/);
  return words.filter((word) => EMPTY_NAMES.test(word)).map((word) => ['name', `"${word}" says nothing`]);
}

function checkPlace(below: string): Found[] {
  const [first = ''] = below.split('/');
  const known = below.includes('/') ? Object.hasOwn(FLOORS, first) : Object.hasOwn(BESIDE, first);
  return known ? [] : [['place', `${first} has no floor: add it to the table`]];
}

function checkImport(path: string, { specifier, typeOnly }: Import): Found[] {
  const isRelative = specifier.startsWith('.');
  const target = isRelative ? posix.join(posix.dirname(path), specifier) : specifier;
  const below = path.slice('src/'.length);
  const reserved = RESERVED.filter(
    ({ imports, from, typesAreFree }) => imports.test(target) && !from.test(below) && !(typesAreFree && typeOnly),
  ).map(({ what }): Found => ['reserved', `${what} (${target})`]);
  if (below.startsWith('domain/') && !target.startsWith('src/') && !PURE_MODULES.has(target)) {
    return [...reserved, ['pure domain', `imports ${target}`]];
  }
  if (!isRelative) return reserved;
  if (target.startsWith('src/')) return checkFloors(below, target.slice('src/'.length), typeOnly);
  if (/^generated\/(prisma\/|pothos\.ts$)/.test(target)) return reserved;
  return [['outside', `imports ${target}`]];
}

function checkFloors(from: string, to: string, typeOnly: boolean): Found[] {
  const [ownFolder, folder] = [folderOf(from), folderOf(to)];
  if (BESIDE[from] === 'wiring') return [];
  if (folder === undefined) {
    if (BESIDE[to] === 'wiring') return [['wiring', `imports ${to}, which imports everything`]];
    if (typeOnly || BESIDE[to] === `part of ${from}`) return [];
    return [['types only', `imports ${to} as a value: it is to be handed in`]];
  }
  // What stands beside the floors and is known to all of them knows the lowest only.
  const floor = ownFolder === undefined ? 1 : (FLOORS[ownFolder] ?? 0);
  if (folder === ownFolder || (FLOORS[folder] ?? Infinity) < floor) return [];
  return [['floor', `${from} imports ${to}`]];
}

function folderOf(below: string): string | undefined {
  return below.includes('/') ? below.split('/')[0] : undefined;
}

function checkNode(below: string, node: Node): Found[] {
  const found: Found[] = [];
  if (isDefaultExport(node)) found.push(['default export', 'a name is the same in every file that imports it']);
  if (node.type === 'ImportExpression' && literal(node['source']) === undefined) {
    found.push(['computed import', 'an import whose target cannot be read here']);
  }
  if (below !== 'config.ts' && readsEnvironment(node)) found.push(['environment', 'only config.ts reads process.env']);
  if (below.startsWith('domain/')) {
    const impure = impurity(node);
    if (impure !== undefined) found.push(['pure domain', `uses ${impure}`]);
  }
  if (/^(store|processors)\//.test(below)) {
    const text = node.type === 'TemplateElement' ? (node['value'] as { cooked?: string }).cooked : literal(node);
    if (ALL_COLUMNS.test(text ?? '')) found.push(['all columns', 'a statement names its columns: more may be added']);
  }
  return found;
}

/** `SELECT *`, `RETURNING asked.*`: a prepared statement fails once a migration has added a column to what it names so. */
const ALL_COLUMNS = /\b(SELECT|DISTINCT|RETURNING)\s+\*|,\s*\*|["\w]\.\*|^\.\*/;

function importsOf(nodes: readonly Node[]): Import[] {
  return nodes.flatMap((node) => {
    const specifier = literal(node['source']);
    if (specifier === undefined) return [];
    switch (node.type) {
      // `import { type A }` leaves `import {}` behind, which runs the module: only `import type` is erased.
      case 'ImportDeclaration':
        return [{ specifier, typeOnly: node['importKind'] === 'type' }];
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        return [{ specifier, typeOnly: node['exportKind'] === 'type' }];
      case 'ImportExpression':
        return [{ specifier, typeOnly: false }];
      case 'TSImportType':
        return [{ specifier, typeOnly: true }];
      default:
        return [];
    }
  });
}

function isDefaultExport(node: Node): boolean {
  return (
    node.type === 'ExportDefaultDeclaration' ||
    (node.type === 'ExportSpecifier' && nameOf(node['exported']) === 'default')
  );
}

function isBarrel([program]: readonly Node[]): boolean {
  const body = (program?.['body'] ?? []) as readonly Node[];
  const exported = body.filter(({ type }) => type.startsWith('Export'));
  return (
    exported.length > 0 &&
    exported.every((node) => node.type === 'ExportAllDeclaration' || isListOfNames(node)) &&
    body.every(({ type }) => type === 'ImportDeclaration' || type.startsWith('Export'))
  );
}

/** `export { a, b }`, with or without `from`. */
function isListOfNames(node: Node): boolean {
  return node.type === 'ExportNamedDeclaration' && node['declaration'] === null;
}

function readsEnvironment(node: Node): boolean {
  switch (node.type) {
    case 'MemberExpression':
      return /(^|\.)process\.env$/.test(dotted(node) ?? '');
    case 'VariableDeclarator':
      return dotted(node['init']) === 'process' && takesEnvironment(node['id']);
    case 'ImportDeclaration':
      return /^(node:)?process$/.test(literal(node['source']) ?? '') && takesEnvironment(node);
    default:
      return false;
  }
}

function takesEnvironment(pattern: unknown): boolean {
  const { properties, specifiers } = pattern as Readonly<Record<string, readonly Node[] | undefined>>;
  return [...(properties ?? []), ...(specifiers ?? [])].some((each) =>
    [each['key'], each['imported']].some((name) => nameOf(name) === 'env'),
  );
}

function impurity(node: Node): string | undefined {
  const name = dotted(node.type === 'MemberExpression' ? node : node['callee']);
  if (name === undefined) return undefined;
  switch (node.type) {
    case 'MemberExpression':
      return IMPURE_MEMBERS.test(name) ? name : undefined;
    case 'CallExpression':
      return IMPURE_CALLS.has(name.split('.').at(-1) ?? name) ? name : undefined;
    case 'NewExpression':
      return name === 'Date' && (node['arguments'] as readonly unknown[]).length === 0 ? 'new Date()' : undefined;
    default:
      return undefined;
  }
}

/** "process.env" for `process.env` and `process['env']`; undefined for what is no chain of names. */
function dotted(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'ChainExpression') return dotted(value['expression']);
  if (value.type !== 'MemberExpression') return value.type === 'Identifier' ? nameOf(value) : undefined;
  const object = dotted(value['object']);
  const property = value['computed'] === true ? literal(value['property']) : nameOf(value['property']);
  return object === undefined || property === undefined ? undefined : `${object}.${property}`;
}

function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  return typeof value['name'] === 'string' ? value['name'] : literal(value);
}

function literal(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
