// A client from another generator does the whole job against the mock on its port: upload, edit, poll, download.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { paths } from "./build/openapi.js";

const SIGNATURES = { png: "89504e470d0a1a0a", jpeg: "ffd8ff" };
const headers = { Authorization: "Bearer secret" };

async function main(baseUrl: string): Promise<void> {
  const api = createClient<paths>({ baseUrl, headers });

  const picture = new Blob([await readFile("../../../examples/valley.jpg")], { type: "image/jpeg" });
  const upload = await api.POST("/api/upload/file", {
    body: { file: "" }, // binary data is a string to these types; the serializer sends the picture itself
    bodySerializer: () => {
      const form = new FormData();
      form.append("file", picture, "valley.jpg");
      return form;
    },
  });
  assert(upload.data, JSON.stringify(upload.error));
  assert.equal(upload.data.size, picture.size);
  assert.equal(upload.data.content_type, "image/jpeg");

  for (const output_format of ["png", "jpeg"] as const) {
    const edit = await api.POST("/generate/k/nano-banana-edit", {
      // image_size has a default; --default-non-nullable=false lets it be left out of a request all the same
      body: { image_urls: [upload.data.url], prompt: "Let it snow on the hills.", output_format },
    });
    assert(edit.data, JSON.stringify(edit.error));

    const statuses: string[] = [];
    let images: (string | { url: string })[] = [];
    while (statuses.at(-1) !== "completed") {
      assert(statuses.length < 9, statuses.join()); // the mock counts looks, so nobody waits
      const task = await api.GET("/tasks/{id}", { params: { path: { id: edit.data.task_id } } });
      assert(task.data, JSON.stringify(task.error));
      statuses.push(task.data.status);
      images = task.data.result ?? [];
    }
    assert.deepEqual(statuses, ["pending", "processing", "completed"]);

    assert.equal(images.length, 1);
    const [image] = images;
    const result = await fetch(typeof image === "string" ? image : image.url);
    assert.equal(result.headers.get("Content-Type"), `image/${output_format}`);
    assert(Buffer.from(await result.arrayBuffer()).toString("hex").startsWith(SIGNATURES[output_format]));
  }

  const refused = await api.POST("/generate/k/nano-banana-edit", {
    // @ts-expect-error: the compiler refuses what the mock refuses
    body: { image_urls: [upload.data.url], prompt: "Let it snow.", output_format: "gif" },
  });
  assert.equal(refused.response.status, 400);
  assert.match(refused.error?.message ?? "", /^output_format is "gif"/);
}

const mock = spawn("nano-banana-edit", ["mock", "--port", "0", "--quiet"], { stdio: ["ignore", "pipe", "inherit"] });
try {
  const [line] = await once(mock.stdout, "data");
  await main(String(line).trim().split(" ").at(-1) ?? "");
  console.log("upload, edit, poll and download work; what the types refuse, the mock refuses");
} finally {
  mock.kill("SIGINT");
}
