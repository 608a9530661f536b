import { parse } from 'libpg-query';

/**
 * Whether a statement keeps to one environment: PostgreSQL's own parser reads it, and every reference to a table whose
 * rows belong to environments has to be held to a parameter by equalities on the column that says so: at once, or by a
 * join with another one that is. What is inserted names its own.
 */

/** The column that says whose a row is, by table: "environment_id", and the sandbox's "merchant". */
export type Owners = ReadonlyMap<string, string>;

/** @returns the references that are held to nothing, as "table" or "table AS alias" */
export async function unscopedIn(sql: string, owners: Owners): Promise<string[]> {
  const { stmts } = (await parse(sql)) as { stmts?: { stmt: Tree }[] };
  const reading = new Reading(owners);
  for (const { stmt } of stmts ?? []) reading.statement(stmt, undefined);
  return reading.unscoped();
}

type Tree = Readonly<Record<string, unknown>>;

/** Something with rows in it, under the name by which columns of it are meant. */
interface Relation {
  readonly name: string;
  /** Whose column says whose the rows are; undefined where there is none. */
  readonly owner: string | undefined;
  /** Stands for that column in the equalities. */
  readonly node: symbol;
}

interface Scope {
  readonly relations: Relation[];
  /** The results of WITH, by name. */
  readonly results: Map<string, symbol>;
  readonly parent: Scope | undefined;
}

class Reading {
  readonly #owners: Owners;
  readonly #references: { readonly name: string; readonly node: symbol }[] = [];
  /** Equalities: each leads to another that it equals. */
  readonly #equal = new Map<symbol, symbol>();
  /** What a result calls the column that says whose its rows are. */
  readonly #called = new Map<symbol, string>();
  /** What comes from outside: a parameter, a constant. */
  readonly #given = Symbol('given');

  constructor(owners: Owners) {
    this.#owners = owners;
  }

  unscoped(): string[] {
    const given = this.#root(this.#given);
    return this.#references.filter(({ node }) => this.#root(node) !== given).map(({ name }) => name);
  }

  /** @returns what stands for the column of its result that says whose the rows are */
  statement(tree: Tree, parent: Scope | undefined): symbol {
    const scope: Scope = { relations: [], results: new Map(parent?.results), parent };
    const [kind, body] = Object.entries(tree)[0] as [string, Tree];
    for (const each of list(of(body, 'withClause'), 'ctes')) {
      const cte = of(each, 'CommonTableExpr');
      scope.results.set(String(cte['ctename']), this.statement(of(cte, 'ctequery'), scope));
    }
    switch (kind) {
      case 'SelectStmt':
        return this.#select(body, scope);
      case 'InsertStmt': {
        const node = this.#add(of(body, 'relation'), scope);
        this.#equate(node, this.#given);
        if ('selectStmt' in body) this.statement(of(body, 'selectStmt'), scope);
        return node;
      }
      case 'UpdateStmt':
      case 'DeleteStmt': {
        const node = this.#add(of(body, 'relation'), scope);
        for (const each of [...list(body, 'fromClause'), ...list(body, 'usingClause')]) this.#from(each, scope);
        this.#condition(of(body, 'whereClause'), scope);
        this.#within(body['targetList'], scope);
        this.#within(body['returningClause'] ?? body['returningList'], scope);
        return node;
      }
      default:
        return this.#given;
    }
  }

  #select(body: Tree, scope: Scope): symbol {
    if ('larg' in body) {
      const sides = [of(body, 'larg'), of(body, 'rarg')].map((side) => this.statement({ SelectStmt: side }, scope));
      const both = Symbol('both');
      // Held only where both sides are.
      for (const side of sides) if (this.#root(side) !== this.#root(this.#given)) return side;
      this.#equate(both, this.#given);
      return both;
    }
    for (const each of list(body, 'fromClause')) this.#from(each, scope);
    this.#condition(of(body, 'whereClause'), scope);
    for (const part of ['targetList', 'groupClause', 'havingClause', 'sortClause', 'limitCount']) {
      this.#within(body[part], scope);
    }
    for (const each of list(body, 'targetList')) {
      const target = of(each, 'ResTarget');
      const column = this.#column(of(target, 'val'), scope);
      const isStar = JSON.stringify(target['val'] ?? '').includes('"A_Star"');
      if (column !== undefined) {
        const [called] = list(of(of(target, 'val'), 'ColumnRef'), 'fields').slice(-1);
        this.#called.set(column, String(target['name'] ?? of(called ?? {}, 'String')['sval']));
        return column;
      }
      if (isStar) return scope.relations.find(({ owner }) => owner !== undefined)?.node ?? this.#given;
    }
    return Symbol('a result that does not say whose it is');
  }

  #from(tree: Tree, scope: Scope): void {
    if ('RangeVar' in tree) this.#add(of(tree, 'RangeVar'), scope);
    if ('RangeSubselect' in tree) {
      const { subquery, alias } = tree['RangeSubselect'] as { subquery: Tree; alias: Tree };
      const node = this.statement(subquery, scope);
      scope.relations.push({
        name: String(alias['aliasname']),
        owner: this.#called.get(node) ?? 'environment_id',
        node,
      });
    }
    if ('RangeFunction' in tree) {
      const alias = of(of(tree, 'RangeFunction'), 'alias');
      // Its rows are made of parameters.
      for (const owner of new Set(['environment_id', ...this.#owners.values()])) {
        scope.relations.push({ name: String(alias['aliasname']), owner, node: this.#given });
      }
      this.#within(of(tree, 'RangeFunction')['functions'], scope);
    }
    if ('JoinExpr' in tree) {
      const join = of(tree, 'JoinExpr');
      const first = scope.relations.length;
      for (const side of ['larg', 'rarg']) this.#from(of(join, side), scope);
      this.#condition(of(join, 'quals'), scope);
      for (const each of list(join, 'usingClause')) {
        const column = of(each, 'String')['sval'];
        const joined = scope.relations.slice(first).filter(({ owner }) => owner === column);
        for (const { node } of joined) this.#equate(node, joined[0]?.node ?? node);
      }
    }
  }

  #add(range: Tree, scope: Scope): symbol {
    const table = String(range['relname']);
    const alias = (range['alias'] as { readonly aliasname: string } | undefined)?.aliasname;
    const name = alias ?? table;
    const result = scope.results.get(table);
    const owner = result === undefined ? this.#owners.get(table) : 'environment_id';
    const node = result ?? Symbol(name);
    if (result === undefined && owner !== undefined) {
      this.#references.push({ name: alias === undefined ? table : `${table} AS ${name}`, node });
    }
    scope.relations.push({ name, owner, node });
    return node;
  }

  /** Takes what has to hold as a whole: of alternatives, nothing follows. */
  #condition(tree: Tree, scope: Scope): void {
    const { BoolExpr: bool, A_Expr: expression, SubLink: link } = tree as Record<string, Tree | undefined>;
    if (bool?.['boolop'] === 'AND_EXPR') {
      for (const each of list(bool, 'args')) this.#condition(each, scope);
      return;
    }
    if (bool?.['boolop'] === 'OR_EXPR') this.#alternatives(list(bool, 'args'), scope);
    if (expression !== undefined && isEquality(expression)) {
      const [left, right] = [rowOf(of(expression, 'lexpr')), rowOf(of(expression, 'rexpr'))];
      for (const [index, each] of left.entries()) {
        const other = expression['kind'] === 'AEXPR_OP' ? right[index] : undefined;
        this.#pair(each, other ?? {}, scope, expression['kind'] !== 'AEXPR_OP' && isGiven(of(expression, 'rexpr')));
      }
    }
    if (link?.['subLinkType'] === 'ANY_SUBLINK' && 'testexpr' in link) {
      const inner = this.statement(of(link, 'subselect'), scope);
      for (const each of rowOf(of(link, 'testexpr'))) {
        const column = this.#column(each, scope);
        if (column !== undefined) this.#equate(column, inner);
      }
      return;
    }
    this.#within(tree, scope);
  }

  /** What every alternative holds to a parameter is held to one. */
  #alternatives(trees: readonly Tree[], scope: Scope): void {
    const held = trees.map((tree) => {
      const { BoolExpr: bool } = tree as Record<string, Tree | undefined>;
      const parts = bool?.['boolop'] === 'AND_EXPR' ? list(bool, 'args') : [tree];
      const columns = parts.map((part) => {
        const expression = of(part, 'A_Expr');
        const isHeld = isEquality(expression) && isGiven(of(expression, 'rexpr'));
        return isHeld ? this.#column(of(expression, 'lexpr'), scope) : undefined;
      });
      return new Set(columns);
    });
    for (const column of held[0] ?? []) {
      if (column !== undefined && held.every((each) => each.has(column))) this.#equate(column, this.#given);
    }
  }

  #pair(left: Tree, right: Tree, scope: Scope, isAmongGiven: boolean): void {
    const [one, other] = [this.#column(left, scope), this.#column(right, scope)];
    if (one !== undefined && other !== undefined) this.#equate(one, other);
    else if (one !== undefined && (isAmongGiven || isGiven(right))) this.#equate(one, this.#given);
    else if (other !== undefined && isGiven(left)) this.#equate(other, this.#given);
  }

  /** What stands for a column that says whose a row is; undefined for anything else. */
  #column(tree: Tree, scope: Scope): symbol | undefined {
    const inner = 'TypeCast' in tree ? of(of(tree, 'TypeCast'), 'arg') : tree;
    if (!('ColumnRef' in inner)) return undefined;
    const names = list(of(inner, 'ColumnRef'), 'fields').map((field) => of(field, 'String')['sval'] as string);
    const [column, relation] = [names.at(-1), names.at(-2)];
    for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
      const meant = at.relations.find(({ name, owner }) => owner === column && (relation ?? name) === name);
      if (meant !== undefined) return meant.node;
    }
    return undefined;
  }

  /** Reads the statements within an expression. */
  #within(tree: unknown, scope: Scope): void {
    if (tree === null || typeof tree !== 'object') return;
    if ('SelectStmt' in tree) {
      this.statement(tree, scope);
      return;
    }
    for (const each of Object.values(tree)) this.#within(each, scope);
  }

  #equate(one: symbol, other: symbol): void {
    const [from, to] = [this.#root(one), this.#root(other)];
    if (from !== to) this.#equal.set(from, to);
  }

  #root(node: symbol): symbol {
    let at = node;
    for (let next = this.#equal.get(at); next !== undefined; next = this.#equal.get(at)) at = next;
    return at;
  }
}

function of(tree: Tree, key: string): Tree {
  return (tree[key] as Tree | undefined) ?? {};
}

function list(tree: Tree, key: string): Tree[] {
  return (tree[key] as Tree[] | undefined) ?? [];
}

function isEquality(expression: Tree): boolean {
  const [name] = list(expression, 'name').map((each) => of(each, 'String')['sval']);
  return name === '=' && ['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_IN'].includes(String(expression['kind']));
}

/** The columns that are compared, of one or of several in brackets. */
function rowOf(tree: Tree): Tree[] {
  return 'RowExpr' in tree ? list(of(tree, 'RowExpr'), 'args') : [tree];
}

/** Whether it is made of parameters and constants alone. */
function isGiven(tree: Tree): boolean {
  const text = JSON.stringify(tree);
  return /"ParamRef"|"A_Const"/.test(text) && !/"ColumnRef"|"SelectStmt"/.test(text);
}
