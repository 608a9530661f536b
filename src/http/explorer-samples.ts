/** The explorer's tabs: each runs as it stands. */
export interface Sample {
  readonly query: string;
  readonly variables: string;
}

/**
 * @param paymentId a payment of the account that has something left to refund
 * @param newKey makes an idempotency key: a page that is loaded again makes new requests, a second click repeats one
 */
export function explorerSamples(paymentId: string | undefined, newKey: () => string): Sample[] {
  return [
    {
      query: `# Takes 49.99 euros with a test card of the sandbox. Run it twice: the same idempotency key is the
# same request, so the second answer is the first payment again, with replayed: true.
mutation TakeAPayment($input: CreatePaymentInput!) {
  createPayment(input: $input) {
    ... on CreatePaymentPayload {
      replayed
      payment {
        id
        status
        amount { amount currency decimal }
        decline { code message retryable }
        paymentMethod { card { brand last4 } }
      }
    }
    ... on Error { code message path }
  }
}
`,
      variables: json({
        input: {
          idempotencyKey: newKey(),
          amount: 4999,
          currency: 'EUR',
          process: true,
          card: { number: '4242424242424242', expMonth: 12, expYear: 2034, cvc: '123', holderName: 'Jenny Rosen' },
          destinations: [{ type: 'ORDER', id: 'ord_1234', number: '1234', amount: 4999 }],
          description: 'Order 1234',
        },
      }),
    },
    {
      query: `# The newest payments with everything that belongs to them.
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
      variables: '{}',
    },
    {
      query: `# Gives one euro of a payment back. More than is left gives a RefundTooLargeError that says how much that is.
mutation Refund($input: RefundPaymentInput!) {
  refundPayment(input: $input) {
    ... on RefundPaymentPayload {
      replayed
      refund { id status amount { decimal currency } }
      payment { refundStatus amountRefunded { decimal } maximumRefundable { decimal } }
    }
    ... on RefundTooLargeError { maximumRefundable { decimal currency } }
    ... on Error { code message path }
  }
}
`,
      variables: json({
        input: {
          idempotencyKey: newKey(),
          paymentId: paymentId ?? 'pay_',
          amount: 100,
          reason: 'One item was missing',
        },
      }),
    },
    {
      query: `# Every event of every payment as it happens. Leave it running, and take a payment in another tab.
subscription Events {
  paymentEvents {
    type
    sequence
    status
    payment { id status refundStatus amount { decimal currency } amountRefunded { decimal } }
  }
}
`,
      variables: '{}',
    },
  ];
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
