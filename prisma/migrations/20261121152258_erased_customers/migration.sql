-- AlterTable
ALTER TABLE "customer" ADD COLUMN     "erased_at" TIMESTAMPTZ(3);

-- What Prisma cannot say, from here on by hand.

-- An erased customer never gets personal data again, whatever the code does.
ALTER TABLE "customer" ADD CONSTRAINT "customer_erased_holds_nothing" CHECK (
  erased_at IS NULL
  OR (num_nonnulls(email, first_name, last_name, phone, address_line1, address_line2, city, state, postal_code, country) = 0
      AND metadata = '{}'));
