// Web Chat (what the Bot Framework Emulator draws with) on an offline Direct Line.
// usage: node webchat.js PORT BOT_URL
const path = require("path");
const express = require("express");
const directline = require("offline-directline");

const [port, bot] = process.argv.slice(2);
const page = `<!doctype html><html lang="en"><title>Web Chat</title>
<style>html,body,#chat{height:100%;margin:0}</style>
<div id="chat" role="main"></div><script src="/webchat.js"></script><script>
WebChat.renderWebChat({
  directLine: WebChat.createDirectLine({domain: location.origin + "/directline", token: "", webSocket: false, pollingInterval: 200}),
  userID: "emulator-user", username: "User"
}, document.getElementById("chat"));
</script></html>`;

const app = express();
app.get("/chat", (_, answer) => answer.type("html").send(page));
app.get("/webchat.js", (_, answer) =>
  answer.sendFile(path.resolve(__dirname, "node_modules/botframework-webchat/dist/webchat.js")));
directline.initializeRoutes(app, Number(port), bot);
