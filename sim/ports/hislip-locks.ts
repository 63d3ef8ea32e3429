/** Answer to AsyncLock. Source: IVI-6.1 rev. 2.0, lock transaction. */
export type LockAnswer = 'failure' | 'success' | 'shared-released' | 'error'

interface Waiting {
  readonly client: object
  readonly key: string
  readonly answer: (answer: LockAnswer) => void
  readonly timer: NodeJS.Timeout
}

/**
 * Who may talk to one instrument: nobody else than the holder of the exclusive lock, else those who share a lock.
 *
 * A client may hold both. Who waits is served in the order of asking, as far as each can be.
 * Source: IVI-6.1 rev. 2.0, lock transaction; VISA's rules for locks.
 */
export class HislipLocks {
  #exclusive: object | undefined
  #key = ''
  readonly #sharing = new Set<object>()
  #waiting: Waiting[] = []
  readonly #listeners = new Set<() => void>()

  /** `changed` runs whenever another client may be allowed to talk. Returns what ends that. */
  watch(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => void this.#listeners.delete(changed)
  }

  get exclusive(): boolean {
    return this.#exclusive !== undefined
  }

  /** Clients that hold a lock. */
  get holders(): number {
    const alone = this.#exclusive !== undefined && !this.#sharing.has(this.#exclusive)
    return this.#sharing.size + (alone ? 1 : 0)
  }

  mayTalk(client: object): boolean {
    if (this.#exclusive !== undefined) return this.#exclusive === client
    return this.#sharing.size === 0 || this.#sharing.has(client)
  }

  /** An empty key is the exclusive lock. Answers at once, when the lock is free, or with failure after `waitMs`. */
  request(client: object, key: string, waitMs: number, answer: (answer: LockAnswer) => void): void {
    const has = key === '' ? this.#exclusive === client : this.#sharing.has(client)
    if (has || this.#waiting.some((waiting) => waiting.client === client)) return answer('error')
    if (this.#grant(client, key)) return answer('success')
    if (waitMs === 0) return answer('failure')
    const timer = setTimeout(
      () => this.#giveUp((waiting) => waiting.timer === timer),
      Math.min(waitMs, LONGEST_WAIT_MS),
    )
    this.#waiting.push({ client, key, answer, timer })
  }

  /** The exclusive lock first. */
  release(client: object): LockAnswer {
    if (this.#exclusive === client) {
      this.#exclusive = undefined
      this.#changed()
      return 'success'
    }
    if (!this.#sharing.delete(client)) return 'error'
    this.#changed()
    return 'shared-released'
  }

  /** A device clear ends a wait before its time. */
  stopWaiting(client: object): void {
    this.#giveUp((waiting) => waiting.client === client)
  }

  /** The client is gone, and with it whatever it held or waited for. */
  drop(client: object): void {
    for (const { timer } of this.#waiting.filter((waiting) => waiting.client === client)) clearTimeout(timer)
    this.#waiting = this.#waiting.filter((waiting) => waiting.client !== client)
    if (this.#exclusive === client) this.#exclusive = undefined
    this.#sharing.delete(client)
    this.#changed()
  }

  #grant(client: object, key: string): boolean {
    if (this.#exclusive !== undefined && this.#exclusive !== client) return false
    if (key === '') {
      if (this.#sharing.size > 0 && !this.#sharing.has(client)) return false
      this.#exclusive = client
    } else {
      if (this.#sharing.size > 0 && this.#key !== key) return false
      this.#key = key
      this.#sharing.add(client)
    }
    return true
  }

  #giveUp(which: (waiting: Waiting) => boolean): void {
    const [gone, left] = [this.#waiting.filter(which), this.#waiting.filter((waiting) => !which(waiting))]
    this.#waiting = left
    for (const { timer, answer } of gone) {
      clearTimeout(timer)
      answer('failure')
    }
  }

  #changed(): void {
    const waiting = this.#waiting
    this.#waiting = waiting.filter(({ client, key, answer, timer }) => {
      if (!this.#grant(client, key)) return true
      clearTimeout(timer)
      answer('success')
      return false
    })
    for (const changed of this.#listeners) changed()
  }
}

/** The longest that a timer can count. */
const LONGEST_WAIT_MS = 2 ** 31 - 1
