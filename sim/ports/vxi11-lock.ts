import { VXI11_ERRORS } from '../protocols/vxi11.ts'
import type { Vxi11ErrorNumber } from '../protocols/vxi11.ts'

/** Who can hold the lock of a device, and wait for it. */
export interface LockHolder {
  /** Resolves with what ends the wait: `late` after `timeoutMs`, or what `unblock` is told. */
  block(timeoutMs: number, late: Vxi11ErrorNumber): Promise<Vxi11ErrorNumber>
  unblock(outcome: Vxi11ErrorNumber): void
}

export interface LockRequest {
  /** Keep others out from now on; otherwise only be let in once. */
  readonly acquire: boolean
  /** Undefined: do not wait. */
  readonly waitMs: number | undefined
}

/** The lock of one device: held by one link at most, first come first served. */
export class DeviceLock {
  #holder: LockHolder | undefined
  readonly #waiting = new Map<LockHolder, LockRequest>()

  enter(link: LockHolder, request: LockRequest): Vxi11ErrorNumber | Promise<Vxi11ErrorNumber> {
    if (this.#admit(link, request)) return VXI11_ERRORS.none
    if (request.waitMs === undefined) return VXI11_ERRORS.lockedByAnother
    this.#waiting.set(link, request)
    return link.block(request.waitMs, VXI11_ERRORS.lockedByAnother).finally(() => this.#waiting.delete(link))
  }

  /** False when this link does not hold it. */
  release(link: LockHolder): boolean {
    if (this.#holder !== link) return false
    this.#holder = undefined
    for (const [waiting, request] of [...this.#waiting]) {
      if (!this.#admit(waiting, request)) continue
      this.#waiting.delete(waiting)
      waiting.unblock(VXI11_ERRORS.none)
    }
    return true
  }

  #admit(link: LockHolder, { acquire }: LockRequest): boolean {
    if (this.#holder !== undefined && this.#holder !== link) return false
    if (acquire) this.#holder = link
    return true
  }
}
