import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/** Electro-absorption modulators in the place of Mach–Zehnders. */
export const EAM_PARAMETERS = {
  eamExtinctionDb: {
    value: 0,
    min: 0,
    max: 60,
    source: assumption('0: Mach–Zehnders; a Ge EAM has 11.83 dB (Opt. Express 30, 34276)'),
  },
  eamSwingV: { value: 2.3, min: 0.1, max: 20, source: 'Ge EAM, 2.3 Vpp for its extinction (Opt. Express 30, 34276)' },
  eamOrder: { value: 1, min: 0.5, max: 4, source: assumption('1: absorption in dB goes with the voltage') },
  eamInsertionLossDb: { value: 5, min: 0, max: 30, source: assumption('absorption at 0 V and coupling') },
  eamChirp: { value: 0.7, min: -5, max: 5, source: assumption('α_H; 0 to 2 is usual') },
} as const satisfies Parameters

export type EamValues = Values<typeof EAM_PARAMETERS>
