import { median } from './measure.ts';
import { isMet, type Line } from './table.ts';

/** The result as a picture: how each ratio lies to its goal, on a scale of factors. */

const WIDTH = 1_060;
const LABELS = 570;
const ROW = 26;
const TOP = 58;
const BOTTOM = 34;
/** The goal is in the middle; what is this many times as good, or as bad, is at the edge. */
const EDGE = 8;
const FIGURES = 70;

/** @returns an SVG of its own, for a page that is light or dark */
export function plotOf(lines: readonly Line[], about: string): string {
  const height = TOP + lines.length * ROW + BOTTOM;
  const center = place(1);
  const scale = [1 / 4, 1 / 2, 1, 2, 4].map(
    (factor) => `<text x="${place(factor)}" y="${height - 12}" text-anchor="middle">${nameOf(factor)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="22" font-size="15" font-weight="600">Against the goals</text>
<text x="12" y="42" fill="#555">${escape(about)}</text>
${lines.map((line, index) => rowOf(line, TOP + index * ROW, center)).join('\n')}
<line x1="${center}" y1="${TOP - 6}" x2="${center}" y2="${height - BOTTOM}" stroke="#333"/>
${scale.join('\n')}
</svg>
`;
}

function rowOf(line: Line, top: number, center: number): string {
  const at = place(goodness(line, median(line.values)));
  const [worst, best] = [Math.min, Math.max].map((end) =>
    place(end(...line.values.map((value) => goodness(line, value)))),
  );
  const color = isMet(line) ? '#2e7d32' : '#c62828';
  const middle = top + ROW / 2;
  const label = line.against === '' ? line.workload : `${line.workload} / ${line.against}`;
  return `<text x="${LABELS - 8}" y="${middle + 4}" text-anchor="end">${escape(label)}</text>
<rect x="${Math.min(at, center)}" y="${top + 5}" width="${Math.abs(at - center).toFixed(1)}" height="${ROW - 10}" fill="${color}" opacity="0.75"/>
<line x1="${worst}" y1="${middle}" x2="${best}" y2="${middle}" stroke="#333" stroke-width="1.5"/>
<text x="${WIDTH - 8}" y="${middle + 4}" text-anchor="end">${median(line.values).toPrecision(3)}</text>`;
}

function nameOf(factor: number): string {
  if (factor === 1) return 'goal';
  return factor > 1 ? `${factor}× better` : `${1 / factor}× worse`;
}

/** How many times as good as the goal. */
function goodness({ goal }: Line, value: number): number {
  return 'atLeast' in goal ? value / goal.atLeast : goal.atMost / value;
}

function place(factor: number): number {
  const bounded = Math.min(EDGE, Math.max(1 / EDGE, factor));
  const half = (WIDTH - LABELS - FIGURES) / 2;
  return Math.round((LABELS + half + (Math.log(bounded) / Math.log(EDGE)) * half) * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
