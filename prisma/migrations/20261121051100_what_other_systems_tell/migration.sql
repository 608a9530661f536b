-- CreateEnum
CREATE TYPE "tax_type" AS ENUM ('AMUSEMENT_TAX', 'COMMUNICATIONS_TAX', 'GST', 'HST', 'IGST', 'JCT', 'LEASE_TAX', 'PST', 'QST', 'RETAIL_DELIVERY_FEE', 'RST', 'SALES_TAX', 'SERVICE_TAX', 'VAT', 'NONE');

-- AlterTable
ALTER TABLE "attempt" ADD COLUMN     "metadata" JSONB NOT NULL DEFAULT '{}';

-- AlterTable
ALTER TABLE "payment" ADD COLUMN     "application_fee" BIGINT,
ADD COLUMN     "billing_address" JSONB,
ADD COLUMN     "charged_at" TIMESTAMPTZ(3),
ADD COLUMN     "created_by_commit" TEXT NOT NULL DEFAULT 'unknown',
ADD COLUMN     "hosted" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "human_id" CHAR(6),
ADD COLUMN     "subtotal" BIGINT,
ADD COLUMN     "tax_amount" BIGINT,
ADD COLUMN     "tax_country" CHAR(2),
ADD COLUMN     "tax_rate" TEXT,
ADD COLUMN     "tax_state" TEXT,
ADD COLUMN     "tax_type" "tax_type",
ADD COLUMN     "updated_by_commit" TEXT NOT NULL DEFAULT 'unknown';

-- AlterTable
ALTER TABLE "payment_destination" ADD COLUMN     "billing_period_id" TEXT,
ADD COLUMN     "invoice_id" TEXT,
ADD COLUMN     "purchase_id" TEXT,
ADD COLUMN     "subscription_id" TEXT;

-- Payments of before are numbered, in the alphabet of domain/human-id.ts.
UPDATE "payment" SET human_id = numbered.human_id
FROM (
  SELECT environment_id, id, (
    SELECT string_agg(substr('23456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (number / (30 ^ place)::bigint % 30)::int, 1), '' ORDER BY place DESC)
    FROM generate_series(0, 5) AS place
  ) AS human_id
  FROM (SELECT environment_id, id, row_number() OVER (PARTITION BY environment_id ORDER BY id) AS number FROM payment) AS each
) AS numbered
WHERE payment.environment_id = numbered.environment_id AND payment.id = numbered.id;
ALTER TABLE "payment" ALTER COLUMN "human_id" SET NOT NULL,
  ALTER COLUMN "created_by_commit" DROP DEFAULT,
  ALTER COLUMN "updated_by_commit" DROP DEFAULT;

-- AlterTable
ALTER TABLE "environment" ADD COLUMN     "tokens_valid_from" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "payment_method_environment_id_fingerprint_idx" ON "payment_method"("environment_id", "fingerprint");

-- CreateIndex
CREATE UNIQUE INDEX "payment_environment_id_human_id_key" ON "payment"("environment_id", "human_id");

-- What Prisma cannot say, from here on by hand.

ALTER TABLE "payment"
  ADD CONSTRAINT "payment_human_id_unambiguous" CHECK (human_id ~ '^[2-9A-HJKMNP-TV-Z]{6}$'),
  ADD CONSTRAINT "payment_tax_adds_up" CHECK (
    (subtotal IS NULL) = (tax_amount IS NULL) AND (subtotal IS NULL OR subtotal + tax_amount = amount)
  ),
  ADD CONSTRAINT "payment_parts_not_negative" CHECK (least(subtotal, tax_amount, application_fee) >= 0),
  ADD CONSTRAINT "payment_fee_within_amount" CHECK (application_fee <= amount);
