/** In SQL: now, to the millisecond, as columns have it. Rounded up by its column, a time is not due yet when it is looked for. */
export const NOW = "date_trunc('milliseconds', now())";
