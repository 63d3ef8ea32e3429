/** A figure that others have published, with the boundary that they drew, as far as it is known. */
export interface PublishedFigure {
  readonly system: string
  readonly milliwattPerTops: number
  /** As its authors put it. */
  readonly published: string
  readonly boundary: string
  readonly source: string
}

const FJ_PER_MAC_OF_MW_PER_TOPS = 2

/** 1 MAC = 2 OPS, and 1 mW/TOPS = 1 fJ/OP. */
const perMac = (femtojoule: number): number => femtojoule / FJ_PER_MAC_OF_MW_PER_TOPS
const perWatt = (tops: number): number => 1e3 / tops

/**
 * What to stand beside: none of them is on the boundary of another, and none is claimed as ours.
 *
 * Sources: the papers themselves, or their abstracts.
 */
export const PUBLISHED_FIGURES: readonly PublishedFigure[] = [
  {
    system: 'optical cloud computing',
    milliwattPerTops: 118.6,
    published: '118.6 mW/TOPS',
    boundary: 'unknown: its component table is not known to us',
    source: 'Nat. Commun. 16:6097 (2025), abstract',
  },
  {
    system: 'Netcast',
    milliwattPerTops: perMac(0.04),
    published: '40 aJ/multiply',
    boundary: 'optical energy at the receiver',
    source: 'Science 378, 270 (2022), abstract',
  },
  {
    system: 'single-shot matrix product',
    milliwattPerTops: perMac(0.02),
    published: 'about 20 aJ/MAC',
    boundary: 'optical',
    source: 'arXiv 2503.24356, abstract',
  },
  {
    system: 'homodyne network, theory',
    milliwattPerTops: perMac(5e-5),
    published: '50 zJ/MAC',
    boundary: 'optical: the limit of shot noise',
    source: 'Phys. Rev. X 9, 021032 (2019)',
  },
  {
    system: 'HITOP',
    milliwattPerTops: perWatt(40),
    published: '40 TOPS/W; earlier versions 25 and 500 fJ/OP',
    boundary: 'not stated where we read',
    source: 'Sci. Adv. 2025, adu0228, arXiv 2401.18050, abstracts',
  },
  {
    system: '256×256 homodyne chip',
    milliwattPerTops: perWatt(330),
    published: '330 TOPS/W',
    boundary: 'not stated where we read',
    source: 'preprint of 2026, abstract',
  },
  {
    system: 'TeMPO',
    milliwattPerTops: perWatt(22.3),
    published: '22.3 TOPS/W',
    boundary: 'a design study: nothing was measured',
    source: 'J. Appl. Phys. 135, 223105 (2024), arXiv 2402.07393',
  },
  {
    system: 'Lightmatter',
    milliwattPerTops: (79.6 / 65.5) * 1e3,
    published: '65.5 TOPS at 78 W electrical and 1.6 W optical',
    boundary: 'electricity of the processor, and its light',
    source: 'Nature 2025, s41586-025-08854-x',
  },
]
