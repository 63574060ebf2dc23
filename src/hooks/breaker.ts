// The circuit breaker of a module: after several faults in a row the module is not called for a while; its `onError`
// answers at once instead. Then one call is let through to try. Pure: told the time, holds three numbers.

/** Faults in a row that open the circuit. */
export const faultsToOpen = 10;
/** Milliseconds until an open circuit lets one call through. */
export const openForMs = 30_000;

export class Breaker {
  #faults = 0;
  #retryAt = 0;

  /** Whether calls are held back at `now`, in monotonic milliseconds. Asking changes nothing. */
  holds(now: number): boolean {
    return this.#faults >= faultsToOpen && now < this.#retryAt;
  }

  /** Whether the module may be called now; the call that is let through after a while is the one trial. */
  allows(now: number): boolean {
    if (this.#faults < faultsToOpen) return true;
    if (this.holds(now)) return false;
    this.#retryAt = now + openForMs; // one trial call; the others wait for its result
    return true;
  }

  succeeded(): void {
    this.#faults = 0;
  }

  failed(now: number): void {
    this.#faults += 1;
    if (this.#faults >= faultsToOpen) this.#retryAt = now + openForMs;
  }

  /** Whether calls are being held back. */
  get isOpen(): boolean {
    return this.#faults >= faultsToOpen;
  }
}
