// What the runner of hooks needs of a session, and nothing more; and events that are only their call.

import type { HookCall, HookState, RunContext, StageRun } from "../../src/hooks/run.ts";
import type { ModuleFault } from "../../src/hooks/report.ts";
import type { EventOf } from "../../src/hooks/stages.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { FakeClock } from "./fake-clock.ts";

export class FakeContext implements RunContext {
  readonly clock = new FakeClock();
  readonly sessionState: HookState = [];
  readonly transactionState: HookState = [];
  readonly faults: ModuleFault[] = [];
  readonly strays: ModuleFault[] = [];
  current: HookCall | undefined;
  gone = false;

  fault(fault: ModuleFault): void {
    this.faults.push(fault);
  }

  strayFault(fault: ModuleFault): void {
    this.strays.push(fault);
  }

  /** As a session does it when the client goes away. */
  leave(): void {
    this.gone = true;
    this.current?.abort("The client is gone");
  }

  get reasons(): string[] {
    return this.faults.map(({ reason }) => reason);
  }
}

/** Hands the call itself to the hooks; a test's handlers ask it for signal and time. */
export function bare<S extends Stage>(more: object = {}): StageRun<S> & { readonly calls: HookCall[] } {
  const calls: HookCall[] = [];
  return {
    calls,
    event(call) {
      calls.push(call);
      return Object.assign(call, more) as unknown as EventOf<S>;
    },
  };
}
