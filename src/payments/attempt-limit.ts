/** Attempts of one payment: more than any honest payer needs, few enough to make card testing slow. */
export const ATTEMPTS_MAX = 50;
