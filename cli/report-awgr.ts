import type { AwgrCalibration } from '../calibration/awgr/awgr-record.ts'
import { awgrLayout, awgrOutput } from '../core/awgr-layout.ts'
import { measured } from './numbers.ts'
import { decibel, percent, pitches, placeOfMost, range } from './report-findings.ts'
import type { Findings } from './report-findings.ts'

/** What a calibration found of an AWGR core. */
export function awgrFindings(calibration: AwgrCalibration): Findings {
  const { size, form, rings, fit, gains, leaks, modulators } = calibration
  const layout = awgrLayout(size, form)
  const named = rings.map((ring, heater) => {
    const { port, wavelength } = layout.heaters[heater]!
    const bank = port === undefined ? 'the shared bank' : `input port ${port}`
    return { ...ring, name: `ring of ${bank}, wavelength ${wavelength} (heater ${heater})` }
  })
  const paths = gains.dropMw.flatMap((row, port) =>
    row.map((mw, wavelength) => ({
      mw,
      name: `input ${port}, wavelength ${wavelength}, to output ${awgrOutput(size, port, wavelength)}`,
    })),
  )
  const leaked = (['drop', 'through'] as const).flatMap((end) =>
    leaks[end].flatMap((row, port) =>
      row.flatMap((outputs, wavelength) =>
        outputs.flatMap((share, output) =>
          output === awgrOutput(size, port, wavelength)
            ? []
            : [{ share, name: `${end}, input ${port}, wavelength ${wavelength}, at output ${output}` }],
        ),
      ),
    ),
  )
  const brightest = placeOfMost(paths, ({ mw }) => mw)
  const dimmest = placeOfMost(paths, ({ mw }) => -mw)
  const leakiest = placeOfMost(leaked, ({ share }) => share)
  const weakest = placeOfMost(named, ({ tuningGhzPerV2 }) => -tuningGhzPerV2)
  const widest = placeOfMost(named, ({ fwhmGhz }) => fwhmGhz)
  const farthest = placeOfMost(named, ({ offsetGhz }) => Math.abs(offsetGhz))
  const sines = modulators.radPerCode.filter((_, port) => (modulators.curves?.[port] ?? null) === null)
  const measuredCurves = modulators.radPerCode.length - sines.length
  return {
    core: `AWGR, ${size} × ${size}, ${form === 'shared' ? 'one shared bank of rings' : 'a bank of rings for each input port'}`,
    found: [
      [
        'rings, resonance at 0 V beside their lasers',
        range(
          named.map(({ offsetGhz }) => offsetGhz),
          'GHz',
          3,
        ),
      ],
      [
        'rings, tuning',
        range(
          named.map(({ tuningGhzPerV2 }) => tuningGhzPerV2),
          'GHz/V²',
        ),
      ],
      [
        'rings, width of their lines (FWHM)',
        range(
          named.map(({ fwhmGhz }) => fwhmGhz),
          'GHz',
          3,
        ),
      ],
      [
        'rings, light that stays on the through bus at resonance',
        range(
          named.map((r) => 100 * r.throughFloor),
          '%',
          3,
        ),
      ],
      ['heat of a ring to the next one', `${percent(fit.crosstalkNeighbour)} of its own shift`],
      ['distance over which that falls to 1/e', pitches(fit.crosstalkDecayPitch)],
      [
        'paths, light when all is dropped',
        range(
          paths.map(({ mw }) => 1e3 * mw),
          'µW',
          3,
        ),
      ],
      [
        'leaks of the routers, share of the own light',
        range(
          leaked.map(({ share }) => 100 * share),
          '%',
          2,
        ),
      ],
      ...(sines.length === 0
        ? []
        : [
            [
              'modulators, from null to full light',
              range(
                sines.map((k) => Math.PI / 2 / k),
                'codes',
              ),
            ] as const,
          ]),
      ...(measuredCurves === 0 ? [] : [['modulators with measured curves', String(measuredCurves)] as const]),
      ['accuracy of a weight −1…1', `${fit.weightAccuracyBits.toFixed(2)} bits`],
      ['precision of a weight set again', `${fit.weightPrecisionBits.toFixed(2)} bits`],
      ['settings of the fit', String(fit.settings)],
      ['residual of the fit', `${percent(fit.relativeResidual)} of the RMS light`],
      ['residual on settings kept out of the fit', `${percent(fit.heldOutResidual)} of the RMS light`],
    ],
    weakest: [
      ['dimmest path', `${decibel(dimmest.mw / brightest.mw).replace('-', '−')} beside the brightest: ${dimmest.name}`],
      ['largest leak', `${percent(leakiest.share)} (${decibel(leakiest.share).replace('-', '−')}): ${leakiest.name}`],
      ['ring farthest from its laser at 0 V', `${measured(farthest.offsetGhz, 3)} GHz: ${farthest.name}`],
      ['weakest heater', `${measured(weakest.tuningGhzPerV2)} GHz/V²: ${weakest.name}`],
      ['widest line', `${measured(widest.fwhmGhz, 3)} GHz: ${widest.name}`],
    ],
  }
}
