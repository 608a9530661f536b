import { isDeepStrictEqual } from 'node:util';
import { happenings } from './happenings.ts';
import { view, type Request, type State, type View } from './model.ts';
import { answers, type Verdict } from './requests.ts';

/** A request and what it was told: the verdict, and with a success the payment as it stood by then. */
export interface Observation {
  readonly request: Request;
  readonly verdict: Verdict;
  readonly payment: View | null;
}

/** One way in which it may have come so far: how far each request is, which was made at the same time as the others. */
interface Course {
  readonly state: State;
  readonly progress: readonly ('waiting' | 'decided' | 'answered')[];
}

/**
 * In which states a payment may be after requests that were sent at once, given what each was told. Every order of them
 * is tried, and whatever may have happened by itself in between: it is right if one such course explains every answer.
 * @param before the states in which it may have been
 * @returns none if nothing explains it: then the gateway, or the model, is wrong
 */
export function explain(before: readonly State[], observed: readonly Observation[]): State[] {
  const waiting = observed.map(() => 'waiting' as const);
  const courses = reach<Course>(
    before.map((state) => ({ state, progress: waiting })),
    (course) => [
      ...happenings(course.state).map((state) => ({ ...course, state })),
      ...observed.flatMap((observation, index) => goOn(course, observation, index)),
    ],
  );
  return courses.filter(({ progress }) => progress.every((each) => each === 'answered')).map(({ state }) => state);
}

/** Every state that can be reached with nobody asking. */
export function eventually(before: readonly State[]): State[] {
  return reach(before, happenings);
}

/** A request is decided upon at one moment, and tells of the payment at another. */
function goOn({ state, progress }: Course, { request, verdict, payment }: Observation, index: number): Course[] {
  switch (progress[index]) {
    case 'waiting':
      return answers(state, request)
        .filter((step) => isDeepStrictEqual(step.verdict, verdict))
        .map(({ next }) => ({
          state: next,
          progress: progress.with(index, payment === null ? 'answered' : 'decided'),
        }));
    case 'decided':
      return isDeepStrictEqual(view(state), payment) ? [{ state, progress: progress.with(index, 'answered') }] : [];
    default:
      return [];
  }
}

/** Everything that can be reached, each once. */
function reach<T>(from: readonly T[], steps: (of: T) => readonly T[]): T[] {
  const reached = new Map<string, T>();
  const next = [...from];
  for (let node = next.pop(); node !== undefined; node = next.pop()) {
    const name = JSON.stringify(node);
    if (reached.has(name)) continue;
    reached.set(name, node);
    next.push(...steps(node));
  }
  return [...reached.values()];
}
