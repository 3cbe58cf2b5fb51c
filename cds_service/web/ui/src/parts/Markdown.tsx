/** Markdown of a card as elements. Nothing becomes HTML: what looks like a tag is shown as the text it is. */

import type { Nodes, Parents, Table } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmTableFromMarkdown } from "mdast-util-gfm-table";
import { gfmTable } from "micromark-extension-gfm-table";
import type { ComponentChildren, VNode } from "preact";
import { unbroken } from "./unbroken";

export function Markdown({ text }: { text: string }): VNode {
  const tree = fromMarkdown(text, { extensions: [gfmTable()], mdastExtensions: [gfmTableFromMarkdown()] });
  return <div class="prose">{inside(tree)}</div>;
}

const inside = (node: Parents): ComponentChildren => node.children.map((child: Nodes) => element(child));

function element(node: Nodes): ComponentChildren {
  switch (node.type) {
    case "text":
    case "html":
      return unbroken(node.value);
    case "paragraph":
      return <p>{inside(node)}</p>;
    case "heading":
      return <p class="heading">{inside(node)}</p>;
    case "strong":
      return <strong>{inside(node)}</strong>;
    case "emphasis":
      return <em>{inside(node)}</em>;
    case "inlineCode":
      return <code>{node.value}</code>;
    case "code":
      return (
        <p>
          <code>{node.value}</code>
        </p>
      );
    case "break":
      return <br />;
    case "list":
      return node.ordered ? <ol start={node.start ?? 1}>{inside(node)}</ol> : <ul>{inside(node)}</ul>;
    case "listItem":
      return <li>{inside(node)}</li>;
    case "blockquote":
      return <blockquote>{inside(node)}</blockquote>;
    case "thematicBreak":
      return <hr />;
    case "link":
      return <Link url={node.url}>{inside(node)}</Link>;
    case "image":
      return node.alt;
    case "table":
      return <GfmTable table={node} />;
    default:
      return "children" in node ? inside(node) : null;
  }
}

/** A link that leaves for the web in a tab of its own; any other address is text. */
export function Link({ url, children }: { url: string; children: ComponentChildren }): VNode {
  if (!/^https?:\/\//i.test(url)) return <>{children}</>;
  return (
    <a href={url} target="_blank" rel="noreferrer">
      {children}
    </a>
  );
}

function GfmTable({ table }: { table: Table }): VNode {
  const [head, ...rows] = table.children;
  return (
    <table>
      <thead>
        <tr>
          {head?.children.map((cell) => (
            <th scope="col">{inside(cell)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            {row.children.map((cell) => (
              <td>{inside(cell)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
