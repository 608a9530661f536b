/** Short, so that two minutes hold many recoveries; but the window has to be long enough for two busy cores. */
export const LIMITS = { callTimeoutMs: 600, inFlightWindowMs: 1_000 };

export const SETTINGS = {
  recoveryDelayMs: 200,
  lateSuccessLookMs: 5_000,
  leaseMs: 5_000,
  webhookTimeoutMs: 600,
  webhookPrivateNetworks: true,
};

/** How long a pending charge or refund of the sandbox takes, and how soon what was captured is paid out. */
export const SANDBOX_TIMES = { delayMs: 100, settlementMs: 1_000 };
