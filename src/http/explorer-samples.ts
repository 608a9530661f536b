/** An operation of one of the explorer's tabs, with its variables as JSON. */
export interface Sample {
  readonly query: string;
  readonly variables?: string;
}

/**
 * The operations of the explorer's tabs: each runs as it stands. The card is in the variables, for a document with a
 * card number is refused.
 * @param paymentId a payment of the account that has something left to refund
 * @param newKey makes an idempotency key: each browser makes requests of its own, a second click repeats one
 * @param expYear a year in which the sample's card is still good
 */
export function explorerSamples(
  paymentId: string | undefined,
  newKey: () => string,
  expYear: number,
): [first: Sample, ...others: Sample[]] {
  const card = { number: '4242424242424242', expMonth: 12, expYear, cvc: '123' };
  const destinations = [{ type: 'ORDER', id: 'ord_1', number: '1', amount: 4999 }];
  const input = { idempotencyKey: newKey(), amount: 4999, currency: 'EUR', process: true, card, destinations };
  return [
    {
      variables: JSON.stringify({ input }, null, 2),
      query: `# Takes 49.99 euros with a test card.
# Run it again: the same key is the same request,
# and its answer is the same payment, replayed.
mutation TakeAPayment($input: CreatePaymentInput!) {
  createPayment(input: $input) {
    ... on CreatePaymentPayload {
      replayed
      payment {
        id
        status
        amount { decimal currency }
        paymentMethod { card { brand last4 } }
        decline { code message retryable }
      }
    }
    ... on Error { code message path }
  }
}
`,
    },
    {
      query: `# The newest payments,
# with everything that belongs to them.
query Payments {
  payments(first: 10) {
    totalCount
    edges {
      node {
        id
        status
        refundStatus
        amount { decimal currency }
        customer { name email }
        paymentMethod { card { brand last4 } }
        attempts { number status processor decline { code } }
        refunds { amount { decimal } status reason }
        destinations { type number amount { decimal } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    },
    {
      query: `# Gives one euro of a payment back. More than is left
# is refused, and the answer says how much that is.
mutation Refund {
  refundPayment(input: {
    idempotencyKey: "${newKey()}"
    paymentId: "${paymentId ?? 'pay_'}"
    amount: 100
    reason: "One item was missing"
  }) {
    ... on RefundPaymentPayload {
      replayed
      refund { id status amount { decimal currency } }
      payment {
        refundStatus
        amountRefunded { decimal }
        maximumRefundable { decimal }
      }
    }
    ... on RefundTooLargeError {
      maximumRefundable { decimal currency }
    }
    ... on Error { code message path }
  }
}
`,
    },
    {
      query: `# Every event of every payment as it happens.
# Leave it running, and take a payment in another window.
subscription Events {
  paymentEvents {
    # To resume where you were: paymentEvents(after: "evc_…")
    cursor
    event {
      type
      sequence
      status
      payment {
        id
        status
        refundStatus
        amount { decimal currency }
        amountRefunded { decimal }
      }
    }
  }
}
`,
    },
  ];
}
