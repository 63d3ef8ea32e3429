import { describe, expect, test } from 'vitest'
import { PortTracker } from '../../../calibration/model/port-tracker.ts'
import type { PortReading } from '../../../calibration/model/port-tracker.ts'
import { RandomStream } from '../../../core/random.ts'

const PORTS = 3
const PROBES = 4
const NOISE = 0.01

/** Frames of a bench whose local oscillators and gains are as `truth` says, corrected as the tracker wants them. */
function frames(
  tracker: PortTracker,
  count: number,
  truth: (at: number, frame: number) => { turnRad: number; logGain: number },
  random = new RandomStream(1, 'frames'),
): void {
  for (let frame = 0; frame < count; frame++) {
    const { turnRad, logGain } = tracker.corrections()
    const readings = Array.from({ length: PORTS }, (_, port): PortReading => {
      const at = port
      const draw = (): Float64Array => Float64Array.from({ length: PROBES }, () => random.normal())
      const [expected, quadrature] = [draw(), draw()]
      const now = truth(at, frame)
      const [turn, gain] = [now.turnRad - turnRad[at]!, Math.exp(now.logGain - logGain[at]!)]
      return {
        ...{ lane: 0, port, expected, quadrature, turnRad: turnRad[at]!, logGain: logGain[at]! },
        measured: expected.map((value, i) => {
          return gain * (Math.cos(turn) * value + Math.sin(turn) * quadrature[i]!) + NOISE * random.normal()
        }),
      }
    })
    tracker.observe(readings, 10 * (frame + 1))
  }
}

describe('a tracker of ports', () => {
  test('finds turns and gains that have changed at once, each port its own', () => {
    const tracker = new PortTracker(1, PORTS, 0)
    const truth = [
      { turnRad: 0.3, logGain: 0.02 },
      { turnRad: -0.2, logGain: -0.03 },
      { turnRad: 0, logGain: 0 },
    ]
    frames(tracker, 30, (at) => truth[at]!)
    const { turnRad, logGain } = tracker.corrections()
    for (const [at, { turnRad: turn, logGain: gain }] of truth.entries()) {
      expect(turnRad[at]).toBeCloseTo(turn, 1.7)
      expect(logGain[at]).toBeCloseTo(gain, 1.7)
    }
  })

  test('follows a turn that goes on, as fast as fibres turn', () => {
    const tracker = new PortTracker(1, PORTS, 0)
    // 0.2 rad in 1000 s.
    const turn = (frame: number): number => 2e-4 * 10 * (frame + 1)
    frames(tracker, 100, (_, frame) => ({ turnRad: turn(frame), logGain: 0 }))
    expect(tracker.corrections().turnRad[1]).toBeCloseTo(turn(99), 1.5)
  })

  test('leaves what it cannot explain, and says how much', () => {
    const steady = new PortTracker(1, PORTS, 0)
    frames(steady, 30, () => ({ turnRad: 0, logGain: 0 }))
    expect(steady.left).toBeLessThan(2 * NOISE)
    const astray = new PortTracker(1, PORTS, 0)
    const random = new RandomStream(2, 'astray')
    // Gains that jump from frame to frame are no drift.
    frames(astray, 30, () => ({ turnRad: 0, logGain: 0.2 * random.normal() }))
    expect(astray.left).toBeGreaterThan(5 * NOISE)
  })

  test('begins anew after a calibration', () => {
    const tracker = new PortTracker(1, PORTS, 0)
    frames(tracker, 10, () => ({ turnRad: 0.3, logGain: 0 }))
    tracker.restart(100)
    expect(tracker.corrections().turnRad).toEqual(new Float64Array(PORTS))
    expect(tracker.left).toBeUndefined()
  })
})
