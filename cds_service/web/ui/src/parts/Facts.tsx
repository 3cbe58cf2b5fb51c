/** Every fact of the guideline with its source, and what it would be like if it were otherwise. */

import type { VNode } from "preact";
import { useId, useRef } from "preact/hooks";
import type { Evaluation, Guideline, InputDeclaration, InputReading, WhatIf } from "../contract";
import { beginning, counted, NOT_READ, valueInWords } from "../words";
import { FactValue, SourceLine } from "./NodeDetail";

interface Props {
  readonly guideline: Guideline;
  readonly evaluation: Evaluation | null;
  /** True without a chart: there is nothing to suppose against. */
  readonly disabled: boolean;
  readonly whatIf: WhatIf;
  /** What the service said of a changed fact, by the fact's name. */
  readonly complaints: ReadonlyMap<string, string>;
  readonly onChange: (whatIf: WhatIf) => void;
}

export function Facts({ guideline, evaluation, disabled, whatIf, complaints, onChange }: Props): VNode {
  const titles = new Map(guideline.recommendations.map((each) => [each.code, each.title]));
  const changes = Object.keys(whatIf).length;
  const without = (name: string): WhatIf =>
    Object.fromEntries(Object.entries(whatIf).filter(([other]) => other !== name));
  return (
    <div class="facts">
      <div class="facts-head">
        <p>
          {changes === 0
            ? "Change a fact to see what would follow."
            : `${counted(changes, "fact")} supposed: not what the chart says.`}
        </p>
        <button type="button" disabled={changes === 0} onClick={() => onChange({})}>
          Reset all
        </button>
      </div>
      <fieldset class="plain" disabled={disabled} aria-label="Facts">
        <ul>
          {guideline.inputs.map((input) => (
            <Fact
              key={input.name}
              input={input}
              titles={titles}
              evaluated={evaluation !== null}
              reading={evaluation?.inputs.find((each) => each.name === input.name)}
              askedAt={(evaluation?.steps ?? []).filter((s) => s.inputs.includes(input.name)).map((s) => s.node)}
              changed={input.name in whatIf}
              value={whatIf[input.name]}
              complaint={complaints.get(input.name)}
              onChange={(value) => onChange({ ...whatIf, [input.name]: value })}
              onReset={() => onChange(without(input.name))}
            />
          ))}
        </ul>
      </fieldset>
    </div>
  );
}

interface FactProps {
  readonly input: InputDeclaration;
  readonly titles: ReadonlyMap<string, string>;
  readonly evaluated: boolean;
  /** Undefined without an evaluation, and for what was not read. */
  readonly reading: InputReading | undefined;
  readonly askedAt: readonly string[];
  readonly changed: boolean;
  readonly value: unknown;
  readonly complaint: string | undefined;
  readonly onChange: (value: unknown) => void;
  readonly onReset: () => void;
}

function Fact(props: FactProps): VNode {
  const { input, evaluated, reading, askedAt, changed, complaint } = props;
  const id = useId();
  const control = useRef<HTMLDivElement>(null);
  const reset = (): void => {
    // The button goes with the change: whoever uses the keyboard stays at the fact.
    control.current?.querySelector<HTMLElement>("select, input, summary")?.focus();
    props.onReset();
  };
  return (
    <li class={`fact ${changed ? "changed" : ""}`}>
      <div class="fact-said">
        <p class="fact-head">
          <span class="fact-label" id={`${id}-label`}>
            {beginning(input.label)}
          </span>
          {askedAt.length > 0 && <span class="asked">asked at {askedAt.join(", ")}</span>}
        </p>
        {reading ? <FactValue fact={reading} /> : <span class="unknown">{evaluated ? NOT_READ : "no chart"}</span>}
      </div>
      <div class="fact-control" ref={control}>
        <Control {...props} id={id} />
        {changed && (
          <button type="button" class="quiet" aria-label={`As in the chart: ${input.label}`} onClick={reset}>
            Reset
          </button>
        )}
      </div>
      {reading && <SourceLine fact={reading} />}
      {complaint && (
        <p class="fact-wrong" id={`${id}-wrong`} role="status">
          {complaint}
        </p>
      )}
    </li>
  );
}

function Control(props: FactProps & { readonly id: string }): VNode {
  const { input, id, changed, value, complaint, onChange, onReset } = props;
  const name = { "aria-labelledby": `${id}-label` };
  const wrong = complaint ? { "aria-invalid": true, "aria-describedby": `${id}-wrong` } : {};
  if (input.type === "number") {
    return (
      <span class="number">
        <input
          type="number"
          step="any"
          placeholder="charted"
          value={typeof value === "number" ? value : ""}
          {...name}
          {...wrong}
          onInput={(event) => {
            const number = event.currentTarget.valueAsNumber;
            if (Number.isNaN(number)) onReset();
            else onChange(number);
          }}
        />
        <button
          type="button"
          class="quiet"
          aria-pressed={changed && value === null}
          aria-label={`Unknown: ${input.label}`}
          onClick={() => (changed && value === null ? onReset() : onChange(null))}
        >
          ?
        </button>
      </span>
    );
  }
  if (input.type === "set") return <SetControl {...props} />;
  const options: readonly (readonly [string, unknown, string])[] =
    input.type === "boolean"
      ? [
          ["true", true, "yes"],
          ["false", false, "no"],
        ]
      : (input.values ?? []).map((word) => [word, word, valueInWords(word)] as const);
  const chosen = !changed ? "" : value === null ? "?" : String(value);
  return (
    <select
      {...name}
      {...wrong}
      value={chosen}
      onChange={(event) => {
        const picked = event.currentTarget.value;
        if (picked === "") onReset();
        else onChange(picked === "?" ? null : options.find(([key]) => key === picked)?.[1]);
      }}
    >
      <option value="">as charted</option>
      {options.map(([key, , text]) => (
        <option key={key} value={key}>
          {text}
        </option>
      ))}
      <option value="?">unknown</option>
    </select>
  );
}

function SetControl({ input, titles, changed, value, reading, onChange }: FactProps): VNode {
  const charted = Array.isArray(reading?.value) ? (reading.value as readonly string[]) : [];
  const held = changed && Array.isArray(value) ? (value as readonly string[]) : charted;
  return (
    <details class="set">
      <summary aria-label={`Choose: ${input.label}`}>choose</summary>
      <fieldset>
        <legend>{input.label}</legend>
        {(input.values ?? []).map((code) => (
          <label key={code}>
            <input
              type="checkbox"
              checked={held.includes(code)}
              onChange={(event) =>
                onChange(event.currentTarget.checked ? [...held, code] : held.filter((other) => other !== code))
              }
            />{" "}
            {titles.get(code) ?? code}
          </label>
        ))}
      </fieldset>
    </details>
  );
}
