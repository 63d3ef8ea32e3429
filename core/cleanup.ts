/**
 * What was opened, in order; closes last-opened first. Node 20 and 22 lack AsyncDisposableStack.
 *
 * Throws: a failing close hides no other; several come together as one AggregateError.
 */
export class Cleanup implements AsyncDisposable {
  #closers: (() => PromiseLike<void> | void)[] = []

  use<T extends AsyncDisposable>(resource: T): T {
    this.#closers.push(() => resource[Symbol.asyncDispose]())
    return resource
  }

  defer(close: () => PromiseLike<void> | void): void {
    this.#closers.push(close)
  }

  /** Hands what was opened to a longer-lived owner; this one then closes nothing. */
  move(): Cleanup {
    const heir = new Cleanup()
    heir.#closers = this.#closers.splice(0)
    return heir
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} resources failed to close`)
  }
}
