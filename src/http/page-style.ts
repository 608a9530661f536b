/** How all pages look, on screens light and dark, and on paper. Each carries it whole: its policy lets it load nothing. */
export const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { box-sizing: border-box; width: min(26rem, 100%); padding: 2rem 1.5rem; overflow-wrap: anywhere; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
.amount { font-size: 2rem; font-weight: 600; font-variant-numeric: tabular-nums; margin: 0 0 1rem; }
form { display: grid; gap: .75rem; margin: 1.5rem 0; }
button { font: inherit; padding: .75rem; border: 1px solid; border-radius: .5rem; background: none; color: inherit;
  cursor: pointer; }
button.first { background: #1d4ed8; border-color: #1d4ed8; color: #fff; }
:focus-visible { outline: 3px solid #60a5fa; outline-offset: 2px; }
small { opacity: .75; }
.purpose { margin: 0 0 1rem; padding: 0; list-style: none; opacity: .75; }
.field { display: grid; gap: .25rem; align-content: start; min-width: 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
label { font-weight: 500; }
input { box-sizing: border-box; width: 100%; font: inherit; padding: .625rem .75rem; border: 1px solid #6b7280;
  border-radius: .5rem; background: Field; color: FieldText; }
[aria-invalid] { border: 2px solid #dc2626; }
.problem { color: #b91c1c; font-size: .875rem; }
.alert { margin: 1.5rem 0; padding: .75rem 1rem; border-left: 4px solid #dc2626; background: #dc262618; }
.alert:focus { outline: none; }
.alert p { margin: 0; font-weight: 500; }
.alert ul { margin: .5rem 0 0; padding-left: 1.25rem; }
a { color: inherit; }
a.button { display: block; padding: .75rem; border-radius: .5rem; background: #1d4ed8; color: #fff; text-align: center;
  text-decoration: none; }
main:has(table) { width: min(42rem, 100%); }
table { width: 100%; border-collapse: collapse; margin: 0 0 1.5rem; font-variant-numeric: tabular-nums; }
caption { text-align: start; font-weight: 600; padding-bottom: .25rem; }
th, td { text-align: start; vertical-align: top; padding: .4rem 0; border-top: 1px solid #8888; overflow-wrap: anywhere; }
th { font-weight: 400; min-width: 6rem; padding-inline-end: 1rem; }
thead th { font-size: .875rem; }
.whole > * { font-weight: 600; }
.sum { text-align: end; white-space: nowrap; padding-inline-end: 0; }
.notice { margin: 0 0 1.5rem; padding: .5rem .75rem; border: 1px dashed #6b7280; border-radius: .5rem; font-size: .875rem; }
@media (min-width: 30rem) {
  body { background: #f3f4f6; }
  main { margin: 2rem 0; padding: 2rem; border-radius: 1rem; background: #fff; box-shadow: 0 1px 3px #0003; }
}
@media (prefers-color-scheme: dark) {
  body { background: #111827; color: #f9fafb; }
  input { background: #1f2937; color: inherit; }
  .problem { color: #fca5a5; }
}
@media (prefers-color-scheme: dark) and (min-width: 30rem) {
  body { background: #030712; }
  main { background: #111827; }
}
@page { size: A4; margin: 15mm; }
@media print {
  :root { color-scheme: light; font-size: 11pt; }
  body { display: block; place-items: normal; min-height: 0; color: #000; background: #fff; }
  main, main:has(table) { width: auto; margin: 0; padding: 0; color: #000; background: none; box-shadow: none; }
  tr { break-inside: avoid; }
  small { opacity: 1; }
}
`;
