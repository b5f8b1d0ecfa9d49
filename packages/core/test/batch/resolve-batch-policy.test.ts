import { BATCH_PRESETS, type BatchOptions, type BatchPolicy, DEFAULT_BATCH_POLICY, resolveBatchPolicy } from '@millrace/core'
import { describe, expect, it } from 'vitest'

const limitsOf = ({ size, timeoutMs, maxBytes, waitWhenIdle }: BatchPolicy) => ({ size, timeoutMs, maxBytes, waitWhenIdle })
const of = (...layers: BatchOptions[]) => resolveBatchPolicy(layers)
const MIB = 1_048_576

describe('a batch policy', () => {
  it('is the default where nothing is given', () => {
    expect(of()).toEqual(DEFAULT_BATCH_POLICY)
    expect(of({ size: undefined, strategy: undefined })).toEqual(DEFAULT_BATCH_POLICY)
  })

  it.each<[BatchOptions['strategy'], ReturnType<typeof limitsOf>]>([
    ['immediate', { size: 1, timeoutMs: Infinity, maxBytes: Infinity, waitWhenIdle: false }],
    ['size', { size: 100, timeoutMs: Infinity, maxBytes: Infinity, waitWhenIdle: true }],
    ['time', { size: Infinity, timeoutMs: 1_000, maxBytes: Infinity, waitWhenIdle: true }],
    ['bytes', { size: Infinity, timeoutMs: Infinity, maxBytes: MIB, waitWhenIdle: true }],
    ['hybrid', { size: 100, timeoutMs: 1_000, maxBytes: MIB, waitWhenIdle: true }],
    ['memory', { size: Infinity, timeoutMs: Infinity, maxBytes: Infinity, waitWhenIdle: true }],
    ['adaptive', { size: 10_000, timeoutMs: 1_000, maxBytes: MIB, waitWhenIdle: false }],
  ])('of strategy %s has the limits of that strategy, and the one of memory', (strategy, limits) => {
    const policy = of({ strategy })
    expect(limitsOf(policy)).toEqual(limits)
    expect(policy).toMatchObject({ strategy, maxMemoryBytes: 16 * MIB, adaptive: strategy === 'adaptive' })
  })

  it('has a limit that is given beside the strategy too', () => {
    expect(limitsOf(of({ strategy: 'time', size: 7, maxBytes: 9 }))).toEqual({ size: 7, timeoutMs: 1_000, maxBytes: 9, waitWhenIdle: true })
  })

  it('has a limit of a stronger layer than the strategy, and of a weaker one only its value', () => {
    expect(limitsOf(of({ strategy: 'time' }, { size: 7 }))).toMatchObject({ size: 7, timeoutMs: 1_000 })
    expect(limitsOf(of({ size: 7, timeoutMs: 5 }, { strategy: 'time' }))).toMatchObject({ size: Infinity, timeoutMs: 5 })
    expect(of({ size: 500 }, { strategy: 'immediate' }).size).toBe(1)
  })

  it('takes each option from the strongest layer that gives it, a preset for less than what is beside it', () => {
    expect(of({ size: 1, timeoutMs: 1 }, { size: 2, maxRetries: 2 }, { timeoutMs: 3 })).toMatchObject({
      size: 2,
      timeoutMs: 3,
      maxRetries: 2,
    })
    expect(of({ preset: 'aggressive', size: 5 })).toMatchObject({ size: 5, timeoutMs: 10_000, maxRetries: 5 })
    expect(of({ size: 5 }, { preset: 'aggressive' })).toMatchObject({ size: 1_000 })
    expect(of({ preset: 'aggressive' }, { size: 5 })).toMatchObject({ size: 5, timeoutMs: 10_000 })
  })

  it('takes a preset as a part of its layer: for more than every weaker one, and for less than every stronger one', () => {
    expect(of({ size: 500, timeoutMs: 7, maxRetries: 9 }, { preset: 'conservative' })).toMatchObject(BATCH_PRESETS.conservative)
    expect(of({ size: 500 }, { preset: 'conservative' }, { size: 400 })).toMatchObject({ size: 400, timeoutMs: 1_000 })
    expect(of({ preset: 'aggressive' }, { preset: 'conservative' })).toMatchObject(BATCH_PRESETS.conservative)
    expect(of({ strategy: 'adaptive', size: 500 }, { preset: 'conservative' }).size).toBe(50)
    expect(of({ strategy: 'immediate' }, { size: 10 }, { preset: 'balanced' }).size).toBe(250)
  })

  it('takes values of a preset, not limits', () => {
    expect(limitsOf(of({ strategy: 'size', preset: 'balanced' }))).toMatchObject({ size: 250, timeoutMs: Infinity })
    expect(of({ strategy: 'immediate', preset: 'balanced' }).size).toBe(1)
  })

  it.each(['immediate', 'size', 'time', 'bytes', 'hybrid', 'memory'] as const)(
    'adapts the size of strategy %s where that is asked for',
    (strategy) => {
      expect(of({ strategy, adaptive: true, maxSize: 50 })).toMatchObject({
        adaptive: true,
        size: 50,
        timeoutMs: of({ strategy }).timeoutMs,
      })
    },
  )

  it('never lets a size that adapts grow beyond one that is given: 1 is single records', () => {
    expect(of({ strategy: 'adaptive', minSize: 10 }, { size: 1 })).toMatchObject({ size: 1 })
    expect(of({ size: 5 }, { strategy: 'adaptive' })).toMatchObject({ size: 10_000 })
  })

  it('adapts or not as the strongest layer says that speaks of it', () => {
    expect(of({ strategy: 'adaptive' }, { adaptive: false })).toMatchObject({ adaptive: false, size: 100 })
    expect(of({ adaptive: false }, { strategy: 'adaptive' })).toMatchObject({ adaptive: true })
    expect(of({ adaptive: true }, { strategy: 'time' })).toMatchObject({ adaptive: true })
  })
})
