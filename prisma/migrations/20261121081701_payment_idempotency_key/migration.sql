-- AlterTable
ALTER TABLE "payment" ADD COLUMN     "idempotency_key" TEXT;

-- Of payments whose key is still kept, it is known.
UPDATE "payment" SET idempotency_key = kept.key FROM "idempotency_key" AS kept
WHERE kept.environment_id = payment.environment_id AND kept.payment_id = payment.id AND kept.operation = 'createPayment';
