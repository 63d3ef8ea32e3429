/** Choices under `twin:` that stand for several parameters. What is written beside them wins. */
export const PRESETS = {
  modulator: {
    mzm: { eamExtinctionDb: 0 },
    eam: { eamExtinctionDb: 11.83 },
  },
  noise: {
    /**
     * Normal noise of mean 0 and σ 1.6569 on codes of 8 bits, as the emulator of Lightning adds it
     * (hipersys-team/lightning, `emulate_alexnet.py`). Full scale is that of a meter in its 0 dBm range.
     */
    'lightning-emulator': {
      receiverFullScaleMw: 2,
      readoutNoiseShare: 1.6569279459762971 / 255,
    },
  },
} as const

type Written = Readonly<Record<string, number | string | undefined>>

/** The section `twin` with each preset replaced by the values it stands for. */
export function withoutPresets(written: Written = {}): Readonly<Record<string, number | undefined>> {
  const expanded: Record<string, number | undefined> = {}
  for (const [key, named] of Object.entries<Readonly<Record<string, object>>>(PRESETS)) {
    Object.assign(expanded, named[String(written[key])])
  }
  for (const [key, value] of Object.entries(written)) if (typeof value === 'number') expanded[key] = value
  return expanded
}
