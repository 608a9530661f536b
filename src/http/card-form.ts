import { checkCard, normalizeCardNumber, type CardProblem, type RawCard } from '../domain/card.ts';
import { unreachable } from '../domain/result.ts';
import { checkText } from '../payments/details.ts';
import { escape } from './page.ts';

/** The fields in which a payer gives a card. */
export type CardField = 'number' | 'expiry' | 'cvc' | 'name';

/** What is wrong with which field, in words for the payer. */
export type FieldProblems = Readonly<Partial<Record<CardField, string>>>;

const LABELS: Readonly<Record<CardField, string>> = {
  number: 'Card number',
  expiry: 'Expiry (MM/YY)',
  cvc: 'Security code',
  name: 'Name on card',
};

const ATTRIBUTES: Readonly<Record<CardField, string>> = {
  number: 'autocomplete="cc-number" inputmode="numeric" maxlength="25" spellcheck="false"',
  expiry: 'autocomplete="cc-exp" inputmode="numeric" maxlength="9"',
  cvc: 'autocomplete="cc-csc" inputmode="numeric" maxlength="4"',
  name: 'autocomplete="cc-name" maxlength="100" spellcheck="false"',
};

/** The fields as HTML. The number, the expiry and the CVC are never filled in: they are in no page that is sent. */
export function cardFields(problems: FieldProblems, name: string): string {
  return `${field('number', problems)}
<div class="pair">
${field('expiry', problems)}
${field('cvc', problems, 'cvc-hint')}
</div>
<small id="cvc-hint">The security code (CVC) has 3 digits and is on the back of the card. American Express: 4 digits, on the front.</small>
${field('name', problems, undefined, ` value="${escape(name)}"`)}`;
}

/** Links to the fields that something is wrong with, in their order on the page. */
export function problemLinks(problems: FieldProblems): string {
  const items = (Object.keys(LABELS) as CardField[]).flatMap((id) => {
    const problem = problems[id];
    return problem === undefined ? [] : [`<li><a href="#${id}">${LABELS[id]}</a>: ${escape(problem)}</li>`];
  });
  return items.length === 0 ? '' : `<ul>${items.join('')}</ul>`;
}

function field(id: CardField, problems: FieldProblems, hint?: string, more = ''): string {
  const problem = problems[id];
  const described = [problem === undefined ? undefined : `${id}-problem`, hint].filter((each) => each !== undefined);
  const describedBy = described.length === 0 ? '' : ` aria-describedby="${described.join(' ')}"`;
  const invalid = problem === undefined ? '' : ' aria-invalid="true"';
  return `<div class="field">
<label for="${id}">${LABELS[id]}</label>
<input id="${id}" name="${id}" required ${ATTRIBUTES[id]}${describedBy}${invalid}${more}>
${problem === undefined ? '' : `<span class="problem" id="${id}-problem">${escape(problem)}</span>`}
</div>`;
}

/** The card that a form holds, and what is wrong with it before anybody is asked. */
export function readCard(form: URLSearchParams, now: Date): { card: RawCard; problems: FieldProblems } {
  const expiry = parseExpiry(typed(form, 'expiry'));
  const card: RawCard = {
    number: normalizeCardNumber(typed(form, 'number')),
    expMonth: expiry.month,
    expYear: expiry.year,
    cvc: typed(form, 'cvc'),
    holderName: typed(form, 'name'),
  };
  const found: Partial<Record<CardField, string>> = {};
  // The first of a field is the one that explains the others.
  for (const problem of checkCard(card, now)) found[fieldOf(problem.field)] ??= wordsFor(problem);
  if (!isName(card.holderName ?? '')) found.name ??= NAME_PROBLEM;
  return { card, problems: found };
}

/** A name that may be shown again: one with digits in it may be a card's data in the wrong field. */
export function nameToShow({ holderName }: RawCard): string {
  const name = holderName ?? '';
  return name.length > 100 || /\d/.test(name) ? '' : name;
}

const NAME_PROBLEM = 'Give the name as it stands on the card.';

/** No card number, whole or mistyped: a name is stored. */
function isName(text: string): boolean {
  return checkText(text, ['name']).ok && !/\d(?:\D?\d){4}/.test(text);
}

/** What was typed, with the digits of other keyboards as digits. */
function typed(form: URLSearchParams, name: CardField): string {
  return (form.get(name) ?? '').normalize('NFKC').trim();
}

/** "04/29", "4/29", "04/2029", and "0429": number pads of telephones have no slash. Month 0 for anything else. */
function parseExpiry(text: string): { month: number; year: number } {
  const match = /^(\d{1,2}) ?[/.-] ?(\d{2}|\d{4})$/.exec(text) ?? /^(\d{2}) ?(\d{2}|\d{4})$/.exec(text);
  const [, month = '0', year = '0'] = match ?? [];
  return { month: Number(month), year: year.length === 2 ? 2000 + Number(year) : Number(year) };
}

function fieldOf(name: CardProblem['field']): CardField {
  switch (name) {
    case 'number':
    case 'cvc':
      return name;
    case 'expMonth':
    case 'expYear':
      return 'expiry';
    case 'holderName':
      return 'name';
    default:
      return unreachable(name);
  }
}

function wordsFor({ field: name, message }: CardProblem): string {
  switch (name) {
    case 'number':
      return 'This is no card number. Check its digits.';
    case 'expMonth':
      return 'Give month and year, such as 04/29.';
    case 'expYear':
      return 'With this date the card has expired. Check it, or try another card.';
    case 'cvc':
      return message;
    case 'holderName':
      return NAME_PROBLEM;
    default:
      return unreachable(name);
  }
}
