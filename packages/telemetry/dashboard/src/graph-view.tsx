import type { History } from './history.ts'
import { BOX, layoutOf, type Place } from './layout.ts'
import type { GraphEdge, GraphNode, Live } from './live.ts'
import { rate } from './text.ts'
import { Table } from './table.tsx'

const MARGIN = 12
const MAX_LABEL = 24

/** The topology, sources on the left, with what flows along each edge; the same as a table for who can't see it. */
export function GraphView({ live, history }: { readonly live: Live; readonly history: History }) {
  const { graph } = live
  const { places, width, height } = layoutOf(graph)
  const place = (name: string): Place => places.get(name) ?? { x: 0, y: 0 }
  const box = `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}`
  return (
    <>
      <div class="graph" tabIndex={0} role="region" aria-label="Topology, scrollable">
        <svg viewBox={box} width={width + 2 * MARGIN} height={height + 2 * MARGIN} aria-hidden="true">
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 8 8"
              refX="8"
              refY="4"
              markerWidth="9"
              markerHeight="9"
              markerUnits="userSpaceOnUse"
              orient="auto-start-reverse"
            >
              <path d="M0 0L8 4L0 8z" />
            </marker>
          </defs>
          {graph.edges.map((edge) => (
            <Edge
              key={`${edge.from}>${edge.to}>${edge.output}`}
              edge={edge}
              from={place(edge.from)}
              to={place(edge.to)}
              value={history.edgeRate(edge.from, edge.to)}
            />
          ))}
          {graph.nodes.map((node) => (
            <Node key={node.name} node={node} at={place(node.name)} value={history.nodeRate(node.name)} />
          ))}
        </svg>
      </div>
      <details>
        <summary>The same as a table</summary>
        <Table label="Flow between nodes" caption="What flows between nodes" columns={['From', 'To', 'Output', { number: 'Records' }]}>
          {graph.edges.map(({ from, to, output }) => (
            <tr key={`${from}>${to}>${output}`}>
              <th scope="row">{from}</th>
              <td>{to}</td>
              <td>{output === '' ? 'default' : output}</td>
              <td class="number">{rate(history.edgeRate(from, to))}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  )
}

interface EdgeProps {
  readonly edge: GraphEdge
  readonly from: Place
  readonly to: Place
  readonly value: number | undefined
}

function Edge({ edge, from, to, value }: EdgeProps) {
  const x1 = from.x + BOX.width
  const y1 = from.y + BOX.height / 2
  const y2 = to.y + BOX.height / 2
  const bend = Math.max(30, (to.x - x1) / 2)
  const middle = (x1 + to.x) / 2
  const flows = value !== undefined && value > 0
  return (
    <g class={flows ? 'edge flows' : 'edge'}>
      <path d={`M${x1} ${y1}C${x1 + bend} ${y1} ${to.x - bend} ${y2} ${to.x} ${y2}`} marker-end="url(#arrow)" />
      <text x={middle} y={(y1 + y2) / 2 - 6} text-anchor="middle" data-edge={`${edge.from}>${edge.to}`}>
        {rate(value)}
      </text>
    </g>
  )
}

function Node({ node, at, value }: { readonly node: GraphNode; readonly at: Place; readonly value: number | undefined }) {
  const { name, kind, topics, stores } = node
  const below = kind === 'processor' ? stores.map((store) => `⛁ ${store}`).join(' ') : topics.join(', ')
  return (
    <g class={`node ${kind}`} transform={`translate(${at.x} ${at.y})`}>
      <title>{`${kind} ${name}: ${below}`}</title>
      <rect width={BOX.width} height={BOX.height} rx={kind === 'processor' ? 8 : 22} />
      <text x={BOX.width / 2} y={below === '' ? 32 : 23} text-anchor="middle" class="name">
        {shortened(name)}
      </text>
      <text x={BOX.width / 2} y={41} text-anchor="middle" class="below">
        {kind === 'processor' ? shortened(below) : `${shortened(below, 18)} ${rate(value)}`}
      </text>
    </g>
  )
}

/** Names of topics differ at their ends. */
function shortened(text: string, most = MAX_LABEL): string {
  return text.length <= most ? text : `…${text.slice(1 - most)}`
}
