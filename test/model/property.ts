import fc from 'fast-check';
import type { Bench, Subject } from './bench.ts';
import { create, RushCommand, SettleCommand, type Model } from './commands.ts';
import type { Fate } from './faults.ts';
import { Shop } from './shop.ts';
import { beginnings, fates, rush, type Beginning } from './wishes.ts';

type Commands = Parameters<typeof fc.asyncModelRun<Model, Shop, false, Model>>[1];

/** Whatever clients do, and whatever gets lost on the way: every answer fits the model, and the money is right. */
export function everyAnswerFits(bench: Bench, { replayPath }: { readonly replayPath?: string } = {}) {
  const commands = fc.commands(
    [
      ...Array.from({ length: 5 }, () => rush.map((each) => new RushCommand(each))),
      fc.constant(null).map(() => new SettleCommand()),
    ],
    { maxCommands: 20, size: 'max', ...(replayPath !== undefined && { replayPath }) },
  );
  return fc.asyncProperty(beginnings, fates, commands, async (...run) => {
    try {
      await runOnce(await bench.subject(), ...run);
    } catch (error) {
      await bench.clear();
      throw error;
    }
  });
}

async function runOnce(
  { gateway, interposed }: Subject,
  begun: readonly Beginning[],
  fated: readonly Fate[],
  commands: Commands,
): Promise<void> {
  const shop = await Shop.open(gateway, interposed, fated);
  const model: Model = { payments: [] };
  for (const beginning of begun) await create(model, shop, beginning);
  await fc.asyncModelRun(() => ({ model, real: shop }), commands);
  await new SettleCommand().run(model, shop);
  const broken = gateway.logged.filter(({ msg }) => String(msg).includes('could not be settled; it is tried again'));
  if (broken.length > 0) throw new Error(`the gateway reported: ${JSON.stringify(broken)}`);
}
