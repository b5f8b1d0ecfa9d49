import type { ComponentChildren } from 'preact'

export interface TableProps {
  readonly id?: string
  /** Of the region that it is scrolled in. */
  readonly label: string
  readonly caption: ComponentChildren
  readonly columns: readonly Column[]
  /** Its rows. */
  readonly children: ComponentChildren
}

/** Its name; in an object where the column is of numbers. */
export type Column = string | { readonly number: string }

/** A table that is scrolled where it is too wide, by the keyboard, too. */
export function Table({ id, label, caption, columns, children }: TableProps) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${label}, scrollable`}>
      <table id={id}>
        <caption>{caption}</caption>
        <thead>
          <tr>{columns.map(headOf)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}

function headOf(column: Column) {
  if (typeof column === 'string')
    return (
      <th key={column} scope="col">
        {column}
      </th>
    )
  return (
    <th key={column.number} scope="col" class="number">
      {column.number}
    </th>
  )
}
