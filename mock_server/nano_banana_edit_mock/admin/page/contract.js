// An OpenAPI document, in the shape that the reference and the forms need. It works with any API.

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const DEPTH = 5; // of properties within properties; a document may nest for ever
// Every other keyword is a constraint.
const NOTES = new Set(
  ("$ref allOf anyOf oneOf type format properties items required default description title example examples " +
    "deprecated readOnly writeOnly externalDocs").split(" "),
);

export class Contract {
  constructor(document) {
    this.document = document;
    this.title = document.info?.title ?? "The API";
    this.operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]).map((method) => this.#operation(path, method, item)),
    );
  }

  /** Return an operation by its operationId. */
  find(id) {
    return this.operations.find((operation) => operation.id === id);
  }

  /** Return a node with its references followed, and its `allOf` merged. */
  resolve(node, depth = 0) {
    if (!node || typeof node !== "object" || depth > 20) return node ?? {};
    let { $ref, allOf, ...own } = node;
    if ($ref?.startsWith("#/")) {
      const names = $ref.slice(2).split("/").map((name) => decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~"));
      own = { ...this.resolve(names.reduce((value, name) => value?.[name], this.document), depth + 1), ...own };
    }
    for (const part of allOf ?? []) {
      const { properties, required, ...more } = this.resolve(part, depth + 1);
      if (properties) own.properties = { ...properties, ...own.properties };
      if (required) own.required = [...required, ...(own.required ?? [])];
      own = { ...more, ...own };
    }
    return own;
  }

  /** Return the properties of a schema and of the objects in it, each with its path. */
  properties(schema, prefix = "", depth = 0) {
    const { properties = {}, required = [] } = this.resolve(schema);
    return Object.entries(properties).flatMap(([name, value]) => {
      const own = this.resolve(value);
      const path = prefix + name;
      const inner = depth < DEPTH ? this.#inner(own, path, depth + 1) : [];
      return [{ name: path, depth, schema: own, required: required.includes(name) }, ...inner];
    });
  }

  #inner(schema, path, depth) {
    if (schema.items) return this.#inner(this.resolve(schema.items), `${path}[]`, depth);
    const parts = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
    return parts.flatMap((part) => this.properties(part, `${path}.`, depth));
  }

  /** Return the type of a schema in words. */
  type(schema) {
    const own = this.resolve(schema);
    const either = own.anyOf ?? own.oneOf;
    if (either) return either.map((part) => this.type(part)).join(" or ");
    if (own.items) return `array of ${this.type(own.items)}`;
    const type = [own.type ?? (own.properties ? "object" : "any value")].flat().join(" or ");
    return own.format ? `${type} (${own.format})` : type;
  }

  /** Return the constraints of a schema, as pairs of keyword and value; those of its items are marked. */
  constraints(schema) {
    const own = this.resolve(schema);
    const found = Object.entries(own).filter(([name]) => !NOTES.has(name) && !name.startsWith("x-"));
    const items = own.items ? this.constraints(own.items).map(([name, value]) => [`each: ${name}`, value]) : [];
    return [...found, ...items];
  }

  #operation(path, method, item) {
    const node = item[method];
    const server = [node.servers, item.servers, this.document.servers].find((list) => list?.length)?.[0].url ?? "/";
    // The parameters of the path template come first, in its order, declared or not; an operation's own override the path's.
    const declared = [...(node.parameters ?? []), ...(item.parameters ?? [])].map((one) => this.resolve(one));
    const within = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => declared.find((one) => one.in === "path" && one.name === name) ?? { name, in: "path", required: true });
    const parameters = [...within, ...declared.filter((one) => one.in !== "path")];
    const security = node.security ?? this.document.security ?? [];
    const body = this.resolve(node.requestBody);
    const [media] = Object.entries(body.content ?? {});
    return {
      id: node.operationId ?? `${method} ${path}`,
      method: method.toUpperCase(),
      path,
      server,
      base: new URL(server, location.origin).pathname.replace(/\/$/, ""),
      summary: node.summary ?? "",
      description: node.description ?? "",
      docs: node.externalDocs,
      parameters: parameters.map((one) => ({ ...one, schema: this.resolve(one.schema) })),
      bearer: security.length > 0,
      optional: security.some((way) => !Object.keys(way).length),
      body: media && { type: media[0], schema: this.resolve(media[1].schema), required: body.required, description: body.description },
      responses: Object.entries(node.responses ?? {}).map(([status, response]) => {
        const { description, content, links } = this.resolve(response);
        const [answer] = Object.entries(content ?? {});
        return { status, description, links: links ?? {}, type: answer?.[0], schema: answer?.[1].schema };
      }),
      endless: "text/event-stream" in (this.resolve(node.responses?.["200"]).content ?? {}), // no form can show it
    };
  }
}
