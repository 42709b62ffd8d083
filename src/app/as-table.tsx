import { useEffect, useRef, useState } from "react";

/** The numbers behind a picture, for those who read better than they see, or want one exactly. */
export interface Table {
  readonly heads: readonly string[];
  /** The first of each row is its name. */
  readonly rows: readonly (readonly (string | undefined)[])[];
  readonly note?: string;
}

interface AsTableProps {
  readonly title: string;
  readonly table: () => Table;
  /** What a screen reader says of the button. */
  readonly label?: string;
  /** What stands on it. */
  readonly text?: string;
}

/** A button that opens the numbers behind a picture; they are asked for only then, and stay as they were. */
export function AsTable({ title, table, label = `${title} as table`, text = "table" }: AsTableProps) {
  const [shown, setShown] = useState<Table>();
  return (
    <>
      <button type="button" className="quiet as-table" aria-haspopup="dialog" aria-label={label} onClick={() => setShown(table())}>
        {text}
      </button>
      {shown && <TableDialog title={title} table={shown} onClose={() => setShown(undefined)} />}
    </>
  );
}

/** Rows that are shown at once: a longer table has pages. */
const PAGE = 200;

function TableDialog({ title, table, onClose }: { title: string; table: Table; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const scroll = useRef<HTMLElement>(null);
  const [page, setPage] = useState(0);
  const { length } = table.rows;
  const from = page * PAGE;
  const to = Math.min(length, from + PAGE);
  const turn = (by: number) => {
    setPage(page + by);
    scroll.current?.scrollTo?.(0, 0);
  };
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="confirm table-dialog" aria-label={`${title} as table`} onClose={onClose}>
      <h2>{title}</h2>
      {table.note && <p className="dim">{table.note}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard too */}
      <section ref={scroll} className="table-scroll" aria-label="Numbers" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {table.heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.slice(from, to).map(([name, ...values]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {values.map((value, i) => (
                  <td key={table.heads[i + 1]}>{value ?? "–"}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div className="buttons">
        {length > PAGE && (
          <span className="pages">
            <button type="button" disabled={page === 0} onClick={() => turn(-1)}>
              ‹ before
            </button>
            <span role="status">
              rows {from + 1} to {to} of {length}
            </span>
            <button type="button" disabled={to === length} onClick={() => turn(1)}>
              next ›
            </button>
          </span>
        )}
        <button type="button" className="primary" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
