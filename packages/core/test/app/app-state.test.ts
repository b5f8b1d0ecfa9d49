import { type AppState, isLegalTransition } from '@millrace/core'
import { describe, expect, it } from 'vitest'

const states: readonly AppState[] = ['created', 'rebalancing', 'running', 'pending-shutdown', 'not-running', 'pending-error', 'error']
const next = (from: AppState) => states.filter((to) => isLegalTransition(from, to))

describe('the states of an application', () => {
  it('end in not-running or error, and nothing comes after', () => {
    expect(next('not-running')).toEqual([])
    expect(next('error')).toEqual([])
    expect(next('pending-error')).toEqual(['error'])
    expect(next('pending-shutdown')).toEqual(['not-running', 'pending-error'])
  })

  it('run only after a rebalance, and rebalance as often as need be', () => {
    expect(states.filter((from) => isLegalTransition(from, 'running'))).toEqual(['rebalancing'])
    expect(next('running')).toEqual(['rebalancing', 'pending-shutdown', 'pending-error'])
  })
})
