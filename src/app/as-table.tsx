import { useEffect, useRef, useState } from "react";

/** The numbers behind a picture, for those who read better than they see, or want one exactly. */
export interface Table {
  readonly heads: readonly string[];
  /** The first of each row is its name. */
  readonly rows: readonly (readonly (string | undefined)[])[];
  readonly note?: string;
}

/** A button that opens the numbers behind a picture; they are asked for only then, and stay as they were. */
export function AsTable({ title, table, label = `${title} as table` }: { title: string; table: () => Table; label?: string }) {
  const [shown, setShown] = useState<Table>();
  return (
    <>
      <button type="button" className="quiet as-table" aria-haspopup="dialog" aria-label={label} onClick={() => setShown(table())}>
        table
      </button>
      {shown && <TableDialog title={title} table={shown} onClose={() => setShown(undefined)} />}
    </>
  );
}

function TableDialog({ title, table, onClose }: { title: string; table: Table; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="confirm table-dialog" aria-label={`${title} as table`} onClose={onClose}>
      <h2>{title}</h2>
      {table.note && <p className="dim">{table.note}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard too */}
      <section className="table-scroll" aria-label="Numbers" tabIndex={0}>
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
            {table.rows.map(([name, ...values]) => (
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
        <button type="button" className="primary" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
