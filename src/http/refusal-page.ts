import { unreachable } from '../domain/result.ts';
import { escape, page, type Page } from './page.ts';

/** Why a request for a hosted page is not served. */
export type Refusal = 'unknown' | 'incomplete' | 'foreign' | 'too_large' | 'not_a_form' | 'too_often' | 'broken';

export const REFUSAL_STATUS: Readonly<Record<Refusal, number>> = {
  unknown: 404,
  incomplete: 400,
  foreign: 403,
  too_large: 413,
  not_a_form: 415,
  too_often: 429,
  broken: 500,
};

/**
 * Says so. Nothing of a payment is in it: it looks the same whether there is one or not.
 * @param path where the payer may begin again; left out where there is nothing to begin
 */
export function refusalPage(refusal: Refusal, path?: string): Page {
  const { title, text } = wordsFor(refusal);
  const link = path === undefined ? '' : `<p><a href="${escape(path)}">Open the payment page</a></p>`;
  // Of what broke off, nobody can say here what became of it.
  const footer = refusal === 'broken' ? 'A form that is sent twice is charged once.' : 'Nothing was charged.';
  return page({ title, content: `<h1>${title}</h1>\n<p>${text}</p>\n${link}`, footer });
}

function wordsFor(refusal: Refusal): { title: string; text: string } {
  switch (refusal) {
    case 'unknown':
      return { title: 'Not found', text: 'There is no such payment. Check the address, or ask whom you want to pay.' };
    case 'foreign':
      return { title: 'Not accepted', text: "A payment is made with the page's own form, not from elsewhere." };
    case 'incomplete':
    case 'too_large':
    case 'not_a_form':
      return { title: 'Not accepted', text: "This is not what the page's form sends. Fill it in once more." };
    case 'too_often':
      return { title: 'Too many tries', text: 'The form was sent too often. Wait a few minutes, then try again.' };
    case 'broken':
      return { title: 'Something went wrong', text: 'Open the payment page again: it says whether you have paid.' };
    default:
      return unreachable(refusal);
  }
}
