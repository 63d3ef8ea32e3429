import { expect, test } from 'vitest'
import { smallWorld } from '../../../support/small-world.ts'
import type { SmallWorld } from '../../../support/small-world.ts'

const NIGHT_S = 43_200
const { signal } = new AbortController()

function look({ world, light, lockBiases }: SmallWorld): readonly number[] {
  light()
  lockBiases()
  world.port('phase-shifter-bank', 'heaters').setVoltageV(3, 5)
  const meter = world.port('power-meter', 'meter-0')
  return [...[0, 1, 2, 3].map((port) => meter.powerMw(port)), world.mainsPowerW()]
}

test('a world that is skipped to shows the same light, bit for bit, as one that was waited for', async () => {
  const waited = smallWorld()
  await waited.clock.sleep(NIGHT_S * 1e3, signal)
  const seen = look(waited)
  expect(look(smallWorld({}, { ageS: NIGHT_S }))).toEqual(seen)
  expect(look(smallWorld())).not.toEqual(seen)
})
