import type { DetectorPort } from '../../sim/optics/world-ports.ts'

/** The optical inputs of a power meter, with a test at the other end of the fibres. */
export class FakeDetectors implements DetectorPort {
  /** What falls on a port: now, or `timeS` after the pulse that began a record. */
  powerAtMw: (channel: number, timeS: number) => number = () => 0
  captures = 0
  #listener: (() => void) | undefined

  powerMw(channel: number): number {
    return this.powerAtMw(channel, -1)
  }

  captureMw(channel: number, points: number, averagingS: number): Float64Array {
    this.captures++
    return Float64Array.from({ length: points }, (_, point) => this.powerAtMw(channel, (point + 0.5) * averagingS))
  }

  onTrigger(listener: () => void): void {
    this.#listener = listener
  }

  /** A pulse at the trigger input. */
  pulse(): void {
    this.#listener?.()
  }
}
